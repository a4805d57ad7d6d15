/** The main job on real mounts: a base, forks of it, real commands in them, and proof that it all came out as it should. */
import { Console, Effect } from "effect"
import { type Job, makeBase } from "./base.ts"
import { listed } from "./changes.ts"
import { forkFour, forkOften } from "./forks.ts"
import { inventoryOf, readBack } from "./readBack.ts"
import * as Show from "./show.ts"

export const onLinux = (job: Job) =>
  Effect.gen(function*() {
    const input = yield* inventoryOf(job.directory, job.owners, "reading the input")
    yield* Console.log(
      `${job.directory}: ${Show.count(input.files, "file")}, ${Show.number(input.directories)} directories, ` +
        `${Show.count(input.links, "link")}, ${Show.bytes(input.bytes)}`
    )
    const whole = yield* makeBase(job, input)
    yield* forkOften(20, whole)
    const mounts = yield* forkFour(input, whole)
    const found = yield* readBack(job, input)
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
