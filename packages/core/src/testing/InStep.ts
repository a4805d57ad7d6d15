/**
 * One world that is two: whatever is done is done in both, which have to answer alike and show the same trees. So two
 * backends are compared with each other, also in what no model says of them.
 */
import { Effect } from "effect"
import { Unexpected } from "./Suite.ts"
import { canonical, type World } from "./World.ts"

export const inStep = (one: World, other: World): World => {
  const both = <A>(what: string, of: (world: World) => Effect.Effect<A>): Effect.Effect<A> =>
    Effect.flatMap(Effect.all([of(one), of(other)]), ([first, second]) =>
      canonical(first) === canonical(second)
        ? Effect.succeed(first)
        : Effect.die(new Unexpected(`${what}: one says ${canonical(first)}, the other ${canonical(second)}`)))
  return {
    run: (command) => both("the answer", ({ run }) => run(command)),
    violations: Effect.flatMap(
      one.violations,
      (first) => Effect.map(other.violations, (second) => [...first, ...second])
    ),
    agrees: (model) => both("the digests of all mounted trees", ({ agrees }) => agrees(model)),
    agreesInDepth: (model) => both("the digests of all trees", ({ agreesInDepth }) => agreesInDepth(model))
  }
}
