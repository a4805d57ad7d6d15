/** The main job: a base, forks of it, work in them, and proof that it all came out as it should. */
import { Console, Effect } from "effect"
import { makeBase } from "./base.ts"
import { listed } from "./changes.ts"
import { forkFour, forkOften } from "./forks.ts"
import { count } from "./inventory.ts"
import { readBack } from "./readBack.ts"
import * as Show from "./show.ts"
import { type Source, sourceOf, type Wanted } from "./source.ts"

/** On whatever machine it is given, by whoever does the tasks there. */
export const job = (wanted: Wanted) =>
  Effect.gen(function*() {
    const source = yield* sourceOf(wanted)
    yield* Console.log(described(source))
    const whole = yield* makeBase(source)
    yield* forkOften(20, whole)
    const mounts = yield* forkFour(source.inventory, whole)
    const found = yield* readBack(source)
    yield* Console.log([
      "",
      "What the layer of edited changes:",
      ...listed(found.changes, 8),
      "",
      "The forest, and what each layer holds:",
      ...found.forest,
      "",
      "Mounts are data; those of record:",
      ...Show.mountLines(mounts),
      "",
      "Read back, every byte:",
      ...found.proofs
    ].join("\n"))
    // What is mounted still is unmounted here.
  }).pipe(Effect.scoped)

const described = ({ directory, inventory }: Source): string => {
  const { bytes, directory: directories, file, symlink } = count(inventory)
  return `${directory}${inventory.complete ? "" : ", a part of it"}: ${Show.count(file, "file")}, ` +
    `${Show.number(directories)} directories, ${Show.count(symlink, "link")}, ${Show.bytes(bytes)}`
}
