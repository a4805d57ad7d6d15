/**
 * The one option that every example has, `--backend node|memory`: real mounts on this machine, or a simulated one. Left
 * out, it is real mounts where they can be made, and memory elsewhere. Which of them it is, is said on stderr.
 */
import { Capabilities } from "@snapshotter/node-fs"
import { Console, Effect, Layer, Option, Schema } from "effect"
import { Flag } from "effect/cli"
import * as os from "node:os"
import { type Machine, memoryMachine, nodeMachine } from "./machine.ts"

export type Backend = "node" | "memory"

export const backendFlag = Flag.Literals("backend", ["node", "memory"]).pipe(
  Flag.withDescription("real mounts (node) or a simulated machine (memory); real ones where they can be, if left out"),
  Flag.optional
)

export interface Chosen {
  readonly backend: Backend
  /** Whether files can be given any owner there: in memory, or by root outside of a user namespace. */
  readonly anyOwner: boolean
}

/** Real mounts were asked for, and cannot be made here. */
export class NoRealMounts extends Schema.TaggedError<NoRealMounts>()("NoRealMounts", { why: Schema.String }) {
  override get message() {
    return this.why
  }
}

/** What was asked for, or what can be had; `near` is an existing directory on the file system that the store is to be on. */
export const choose = (wanted: Option.Option<Backend>, near: string) =>
  Effect.gen(function*() {
    if (Option.contains(wanted, "memory")) return yield* inMemory("in memory")
    const { fileSystem, kernel, overlayMounts, uid, userNamespace } = yield* Capabilities.probe(near)
    if (overlayMounts.works) {
      const where = userNamespace ? ", in a user namespace" : ""
      yield* Console.error(`on real mounts: overlay on ${fileSystem}, Linux ${kernel}${where}`)
      return { backend: "node", anyOwner: uid === 0 && !userNamespace } satisfies Chosen
    }
    const { detail, remedy } = overlayMounts
    const why = [`no real mounts: ${detail}`, ...(remedy === undefined ? [] : [remedy])].join("; ")
    return Option.isSome(wanted) ? yield* new NoRealMounts({ why }) : yield* inMemory(`${why}. In memory instead`)
  })

const inMemory = (said: string) => Effect.as(Console.error(said), { backend: "memory", anyOwner: true } as const)

/** A new machine of that kind, which goes with the scope. */
export const machineOf = (backend: Backend) => backend === "node" ? nodeMachine : Effect.sync(memoryMachine)

/** A machine with an empty store, for a program that needs no more than that. */
export const layerOf = (wanted: Option.Option<Backend>) =>
  choose(wanted, os.tmpdir()).pipe(
    Effect.flatMap(({ backend }) => machineOf(backend)),
    Effect.map((machine: Machine) => machine.process()),
    Layer.unwrap
  )
