/** `Mounter` on Linux, by system calls. On any other system each operation fails, and says why. */
import type { Mounts } from "@snapshotter/core/Mount"
import {
  AlreadyMounted,
  type LayerUse,
  Mounter,
  type MountError,
  MountFailed,
  type MountPoint,
  StillInUse
} from "@snapshotter/core/Mounter"
import { Effect, Exit, Layer, Scope } from "effect"
import { realpathSync } from "node:fs"
import { nameDirectory } from "./internal/attach.ts"
import { EBUSY, EINVAL, errnoName } from "./internal/errno.ts"
import { InUseProbe } from "./internal/inUse.ts"
import * as Mountinfo from "./internal/mountinfo.ts"
import { attachMount, type Plan, planOf } from "./internal/mounting.ts"
import { lockHolder } from "./internal/mountLock.ts"
import { MountTable } from "./internal/mountTable.ts"
import { mountFailure, refusalOf, refusalOfNode, Refused } from "./internal/refusal.ts"
import { type Syscalls, syscalls, UMOUNT_NOFOLLOW } from "./internal/syscalls.ts"
import { type Attached, end, endChildren, holdsLayers, isOnTop } from "./internal/unmounting.ts"
import { usesAmong } from "./internal/uses.ts"

export interface Options {
  /**
   * By which system calls to mount. `fsopen` is the new mount API, which takes paths of any length and says why it
   * refuses; `mount` is `mount(2)`, whose options have to fit into a page. `auto`: the first where it is there and
   * allowed.
   */
  readonly way: "auto" | "fsopen" | "mount"
}

const make = ({ way }: Options) =>
  Effect.gen(function*() {
    const table = new MountTable()
    yield* Effect.addFinalizer(() => Effect.sync(() => table.close()))
    const probe = new InUseProbe()
    yield* Effect.addFinalizer(() => Effect.sync(() => probe.close()))
    /** What was mounted here and has not ended. */
    const attached = new Set<Attached>()
    /** What should have ended, and stays as long as somebody writes through it. */
    const lingering = new Set<Attached>()
    const endLingering = (sys: Syscalls): void => {
      for (const one of lingering) {
        if (end(sys, one, () => table.readAnew(sys)) !== "being written") lingering.delete(one)
      }
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => lingering.size === 0 ? undefined : endLingering(syscalls())))

    // === mount
    const mount = (mounts: Mounts, target: string): Effect.Effect<void, MountError, Scope.Scope> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const outer = yield* Effect.scope
          // Of its own, so that nothing stays mounted where one of several fails.
          const scope = yield* Scope.make()
          const all = mountAll(mounts, target, restore(Effect.sleep("2 millis"))).pipe(Scope.provide(scope))
          yield* Effect.onError(all, (cause) => Scope.close(scope, Exit.failCause(cause)))
          yield* Scope.addFinalizerExit(outer, (exit) => Scope.close(scope, exit))
        })
      )

    const mountAll = (mounts: Mounts, target: string, pause: Effect.Effect<void>) =>
      Effect.gen(function*() {
        const { sys, place, plans } = yield* trying(target, () => prepare(mounts, target))
        for (const plan of plans) {
          yield* Effect.acquireRelease(mountOne(sys, plan, place, pause), (attached) => release(sys, attached))
        }
      })

    const prepare = (mounts: Mounts, target: string) => {
      const sys = syscalls()
      endLingering(sys)
      checkTexts([target, ...mounts.flatMap(({ source, options }) => [source, ...options])])
      if (mounts.length === 0) throw new Refused(EINVAL, "there is nothing to mount")
      const place = realPathOf(target)
      // On any way the same answer for what is no directory.
      sys.close(nameDirectory(sys, "the target", place))
      return { sys, place, plans: mounts.map((mount) => planOf(mount, realPathOf)) }
    }

    const mountOne = (sys: Syscalls, plan: Plan, target: string, pause: Effect.Effect<void>) =>
      plan.written === undefined ? attach(sys, plan, target) : attachAlone(sys, plan, plan.written, target, pause)

    /** `untold`: the kernel will not tell of it once it is detached. */
    const attach = (sys: Syscalls, plan: Plan, target: string, untold = false) =>
      trying(target, () => {
        const mounted = attachMount(sys, plan, target, way, () => table.read(sys))
        const made = { ...mounted, writesUntold: mounted.writesUntold || untold }
        attached.add(made)
        return made
      })

    /** Under a lock, so that of two who mount one layer writable the second sees the first. */
    const attachAlone = (sys: Syscalls, plan: Plan, layer: string, target: string, pause: Effect.Effect<void>) =>
      Effect.acquireUseRelease(
        Effect.catch(lockHolder(sys, layer, pause), (refused) => failed(target, refused)),
        () =>
          Effect.gen(function*() {
            const found = yield* trying(target, () => usesAmong(sys, table.read(sys), realPathOf(layer)))
            const writable = found.filter(({ use }) => use.writable)
            const certain = writable.find(({ byIdAlone }) => !byIdAlone)
            const marked = certain === undefined ? yield* isMarked(sys, layer, target, pause) : undefined
            const other = certain ?? (marked === false ? undefined : writable[0])
            if (other !== undefined) return yield* new AlreadyMounted({ layer, target: other.use.target })
            if (marked === true) return yield* new AlreadyMounted({ layer, target: undefined })
            return yield* attach(sys, plan, target, marked === undefined)
          }),
        (release) => Effect.sync(release)
      )

    /** Asked again where it is: the kernel may still be ending a mount whose last user is gone. */
    const isMarked = (
      sys: Syscalls,
      layer: string,
      target: string,
      pause: Effect.Effect<void>,
      tries = 3
    ): Effect.Effect<boolean | undefined, MountError> =>
      Effect.flatMap(trying(target, () => probe.isInUse(sys, layer)), (marked) => {
        if (marked !== true || tries === 0) return Effect.succeed(marked)
        return Effect.andThen(pause, isMarked(sys, layer, target, pause, tries - 1))
      })

    const release = (sys: Syscalls, ending: Attached): Effect.Effect<void> =>
      Effect.suspend(() => {
        attached.delete(ending)
        const { target } = ending
        switch (end(sys, ending, () => table.readAnew(sys))) {
          case "unmounted":
          case "unmounted already":
            return Effect.void
          case "detached":
            return Effect.logWarning(
              `${
                JSON.stringify(target)
              } was still in use and has been detached: whoever has a file open in it, or works ` +
                "in it, goes on seeing it until that ends"
            )
          case "being written":
            lingering.add(ending)
            return Effect.logWarning(
              `${JSON.stringify(target)} stays mounted: somebody has a file open for writing in it. It is unmounted ` +
                "once that has ended, when the next one asks"
            )
          case "left":
            return Effect.logWarning(`${JSON.stringify(target)} stays mounted: something else is mounted on it now`)
        }
      })

    // === unmount
    const unmount = (target: string): Effect.Effect<void, MountFailed | StillInUse> =>
      Effect.suspend((): Effect.Effect<void, MountFailed | StillInUse> => {
        try {
          const sys = syscalls()
          checkTexts([target])
          const place = realPathOf(target)
          const ours = [...attached].filter((one) => one.target === place)
          const made = ours.findLast((one) => isOnTop(sys, one.identity, place))
          // What was there before it is not ours to end.
          if (made === undefined && ours.length > 0) return Effect.fail(unmountFailure(target, EINVAL))
          if (holdsLayers(table.read(sys), place)) return Effect.fail(new StillInUse({ target }))
          if (made !== undefined) endChildren(sys, made, () => table.read(sys))
          const result = sys.umount2(place, UMOUNT_NOFOLLOW)
          if (result === -EBUSY) return Effect.fail(new StillInUse({ target }))
          return result < 0 ? Effect.fail(unmountFailure(target, -result)) : Effect.void
        } catch (thrown) {
          return portFailure("unmount", target, thrown)
        }
      })

    // === mounted
    const mounted: Effect.Effect<ReadonlyArray<MountPoint>, MountFailed> = Effect.suspend(() => {
      try {
        return Effect.succeed(
          table.readAnew(syscalls()).map((mount) => ({
            target: mount.target,
            type: mount.type,
            writable: Mountinfo.isWritable(mount)
          }))
        )
      } catch (thrown) {
        return portFailure("read mounts", "/proc/self/mountinfo", thrown)
      }
    })

    // === uses
    const uses = (layer: string): Effect.Effect<ReadonlyArray<LayerUse>, MountFailed> =>
      Effect.suspend(() => {
        try {
          const sys = syscalls()
          checkTexts([layer])
          endLingering(sys)
          const found = usesAmong(sys, table.read(sys), existingPathOf(layer))
          const uppers = found.filter(({ use }) => use.as === "upper")
          const isCertain = uppers.some(({ byIdAlone }) => !byIdAlone)
          const marked = isCertain ? undefined : probe.isInUse(sys, layer)
          // What the kernel's mark denies is another store's: a copy, with the same ids.
          const kept = marked === false ? found.filter((one) => !uppers.includes(one)) : found
          const uses = kept.map(({ use }) => use)
          return Effect.succeed(marked === true && uppers.length === 0 ? [...uses, elsewhere] : uses)
        } catch (thrown) {
          return portFailure("read mounts", layer, thrown)
        }
      })

    return { mount, unmount, mounted, uses } satisfies Mounter
  })

/** What only the kernel's mark tells. */
const elsewhere: LayerUse = { target: undefined, as: "upper", writable: true }

/** Mounts by this way; see {@link Options}. */
export const layerWith = (options: Options): Layer.Layer<Mounter> => Layer.effect(Mounter, make(options))

/** Mounts by the new mount API where it is there and allowed, else by `mount(2)`. */
export const layer: Layer.Layer<Mounter> = layerWith({ way: "auto" })

// ============================================================ paths

const realPathOf = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch (thrown) {
    throw refusalOfNode(thrown, `${JSON.stringify(path)} cannot be reached`)
  }
}

/** The path as it is where nothing is there any more: what has that name may be mounted all the same. */
const existingPathOf = (path: string): string => {
  try {
    return realPathOf(path)
  } catch {
    return path
  }
}

/** Text with NUL would be cut there by the kernel. */
const checkTexts = (texts: ReadonlyArray<string>): void => {
  const bad = texts.find((text) => text.includes("\0"))
  if (bad !== undefined) throw new Refused(EINVAL, `${JSON.stringify(bad)} contains NUL`)
}

// ============================================================ failures

const trying = <A>(target: string, step: () => A): Effect.Effect<A, MountError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(step())
    } catch (thrown) {
      return failed(target, thrown)
    }
  })

const failed = (target: string, thrown: unknown): Effect.Effect<never, MountError> => {
  const failure = mountFailure(target, thrown)
  return failure === undefined ? Effect.die(thrown) : Effect.fail(failure)
}

const portFailure = (
  operation: "unmount" | "read mounts",
  target: string,
  thrown: unknown
): Effect.Effect<never, MountFailed> => {
  const refusal = refusalOf(thrown)
  if (refusal === undefined) return Effect.die(thrown)
  return Effect.fail(new MountFailed({ operation, target, code: errnoName(refusal.errno), reason: refusal.reason }))
}

const unmountFailure = (target: string, errno: number): MountFailed => {
  const reason = errno === EINVAL
    ? "nothing is mounted there, or not what was mounted from here"
    : "the kernel refused it"
  return new MountFailed({ operation: "unmount", target, code: errnoName(errno), reason })
}
