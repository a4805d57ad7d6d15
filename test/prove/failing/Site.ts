/** Where the loop of failures works: a machine with one store on it, of which copies can be made. */
import type { Backend } from "@snapshotter/core/testing/World"
import type * as Faults from "@snapshotter/memory-fs/Faults"
import type { Context, Effect, Scope } from "effect"
import type { Picture } from "./picture.ts"

export interface Site {
  /** A directory of its own; the store is, or will be, in `store` below it, and `target-…` are places to mount on. */
  readonly directory: string
  /** The ports of a process that lives until the scope closes; what it does goes through the faults. */
  readonly process: (name: string, faults: Faults.Faults) => Effect.Effect<Context.Context<Backend>, never, Scope.Scope>
  /** The process has ended: what ends with one ends now. */
  readonly kill: (name: string) => Effect.Effect<void>
  /** What lies in the store now. */
  readonly picture: () => Picture
  /** What processes hold now, a line for each: locks, mounts, open files, temporary directories. */
  readonly held: () => ReadonlyArray<string>
  /** Another machine with the same files, where nothing is held. Steps of its disk, if it tells any, go to the faults. */
  readonly copy: (faults?: Faults.Faults) => Effect.Effect<Site, never, Scope.Scope>
  /** The same, which from now on is only looked at and copied. */
  readonly frozen: () => Site
}

/** A backend to strike. */
export interface Machine {
  readonly name: string
  /** Whether its processes can be made to die within this one. */
  readonly dies: boolean
  /** Whether it tells the steps of its disk. */
  readonly steps: boolean
  /** An empty one. */
  readonly make: Effect.Effect<Site, never, Scope.Scope>
}

export const storeIn = (site: Site): string => `${site.directory}/store`
