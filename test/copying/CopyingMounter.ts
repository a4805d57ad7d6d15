/**
 * A `Mounter` for machines that can bind and cannot overlay. It copies all layers into one directory beforehand, binds
 * that to the target, and writes what was changed back into the upper layer when it is unmounted.
 *
 * Each layer of a copy is bound to a private place as long as the copy lasts. So the machine itself knows who is using it,
 * refuses a second writable mount, and finds it wherever it has been moved when the time for writing back has come.
 *
 * A process that dies has not written back, and one that dies while it does has written half: for tests, that is enough.
 */
import type { Mount, Mounts, OverlayMount } from "@snapshotter/core/Mount"
import {
  AlreadyMounted,
  type LayerUse,
  Mounter,
  type MountError,
  MountFailed,
  StillInUse
} from "@snapshotter/core/Mounter"
import { type FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect, Exit, Layer, Scope, Semaphore } from "effect"
import { layOver } from "./merge.ts"
import { type Plan, planOf } from "./plan.ts"
import { writeBack } from "./writeBack.ts"

/** The layers of one overlay, copied, until nothing uses the copy any more. */
interface Copy {
  readonly plan: Plan
  readonly target: string
  /** Its private directory: `tree` is what is seen, `lower` what the lower layers show, the rest are the layers. */
  readonly place: string
  /** The binds of its layers. */
  readonly layers: Scope.Closeable
  /** Only then may it end for being seen nowhere. */
  wasSeen: boolean
}

type Ports = Mounter | StoreFileSystem | TreeFileSystem

/** Keeps its copies in this directory, which has to be there. */
export const make = (scratch: string): Effect.Effect<Mounter, never, Ports> =>
  Effect.gen(function*() {
    const inner = yield* Mounter
    const store = yield* StoreFileSystem
    const tree = yield* TreeFileSystem
    const copies = new Set<Copy>()
    const alone = yield* Semaphore.make(1)
    let count = 0

    // === the life of a copy

    const begin = Effect.fnUntraced(function*(plan: Plan, target: string) {
      const place = `${scratch}/${++count}`
      const copy: Copy = { plan, target, place, layers: yield* Scope.make(), wasSeen: false }
      copies.add(copy)
      yield* Effect.addFinalizer(() => Effect.catch(settle, (error) => Effect.logError(error.message)))
      // After the finalizer, so that it is unmounted before.
      const show = inner.mount([bind(`${place}/tree`, plan.upper !== undefined)], target)
      yield* Effect.onError(Effect.andThen(fill(copy), show), () => Effect.ignore(discard(copy)))
      copy.wasSeen = true
    })

    const fill = Effect.fnUntraced(function*({ layers, place, plan }: Copy) {
      for (const path of ["", "/lower", "/tree"]) yield* tree.makeDirectory(`${place}${path}`, 0o700)
      const hold = Effect.fnUntraced(function*(layer: string, name: string, writable: boolean) {
        yield* tree.makeDirectory(`${place}/${name}`, 0o700)
        yield* Scope.provide(inner.mount([bind(layer, writable)], `${place}/${name}`), layers)
      })
      if (plan.upper !== undefined) yield* hold(plan.upper, "upper", true)
      for (const [i, layer] of plan.lower.entries()) yield* hold(layer, `lower ${i}`, false)
      for (const i of [...plan.lower.keys()].reverse()) {
        for (const copy of ["lower", "tree"]) yield* layOver(`${place}/lower ${i}`, `${place}/${copy}`, plan.marks)
      }
      if (plan.upper !== undefined) yield* layOver(`${place}/upper`, `${place}/tree`, plan.marks)
    })

    const discard = Effect.fnUntraced(function*(copy: Copy) {
      copies.delete(copy)
      yield* Scope.close(copy.layers, Exit.void)
      yield* store.removeTree(copy.place)
    })

    /** Ends every copy that is seen nowhere any more. */
    const settle = alone.withPermit(Effect.gen(function*() {
      for (const copy of copies) {
        const { place, plan, wasSeen } = copy
        if (!wasSeen || (yield* inner.uses(`${place}/tree`)).length > 0) continue
        if (plan.upper !== undefined) yield* writeBack(`${place}/lower`, `${place}/tree`, `${place}/upper`, plan.marks)
        yield* discard(copy)
      }
    }))

    /** The copy that something private belongs to. */
    const copyAt = (path: string | undefined) => [...copies].find(({ place }) => path?.startsWith(`${place}/`))

    // === mount

    const mountCopy = Effect.fnUntraced(function*(mount: OverlayMount, target: string) {
      const plan = planOf(mount)
      if (typeof plan === "string") return yield* refused("mount", target, "EINVAL", plan)
      yield* settle
      yield* begin(plan, target)
    })

    const mountOne = (mount: Mount, target: string) =>
      mount.type === "bind" ? inner.mount([mount], target) : mountCopy(mount, target)

    const mount = (mounts: Mounts, target: string): Effect.Effect<void, MountError, Scope.Scope> =>
      Effect.gen(function*() {
        if (mounts.length === 0) return yield* inner.mount(mounts, target)
        const scope = yield* Scope.fork(yield* Effect.scope)
        const all = Effect.forEach(mounts, (one) => mountOne(one, target), { discard: true })
        yield* Effect.onError(Scope.provide(all, scope), (cause) => Scope.close(scope, Exit.failCause(cause)))
      }).pipe(
        Effect.mapError((error) => inWordsOf(error, target)),
        Effect.provideService(TreeFileSystem, tree),
        Effect.uninterruptible
      )

    /** What private directories a failure speaks of, said as whoever mounts knows them. */
    const inWordsOf = (error: MountError | FileSystemError, target: string): MountError => {
      if (error._tag === "FileSystemError") return refused("mount", target, error.code, error.message)
      if (error._tag === "AlreadyMounted") {
        return new AlreadyMounted({ layer: error.layer, target: copyAt(error.target)?.target ?? error.target })
      }
      return error._tag === "MountFailed" ? new MountFailed({ ...error, target }) : error
    }

    // === unmount

    const unmount = (target: string): Effect.Effect<void, MountFailed | StillInUse> =>
      Effect.gen(function*() {
        if ([...copies].some(({ plan }) => hasLayersIn(plan, target))) return yield* new StillInUse({ target })
        yield* inner.unmount(target)
        yield* settle
      }).pipe(
        Effect.catchTag(
          "FileSystemError",
          ({ code, message }) => Effect.fail(refused("unmount", target, code, message))
        ),
        Effect.provideService(TreeFileSystem, tree),
        Effect.uninterruptible
      )

    // === mounted

    const mounted = Effect.map(inner.mounted, (all) => all.filter(({ target }) => !target.startsWith(`${scratch}/`)))

    // === uses

    const uses = (layer: string): Effect.Effect<ReadonlyArray<LayerUse>, MountFailed> =>
      Effect.gen(function*() {
        yield* settle
        return yield* Effect.flatMap(inner.uses(layer), (all) => Effect.forEach(all, asUseOfCopy))
      }).pipe(
        Effect.catchTag(
          "FileSystemError",
          ({ code, message }) => Effect.fail(refused("read mounts", layer, code, message))
        ),
        Effect.provideService(TreeFileSystem, tree)
      )

    const asUseOfCopy = Effect.fnUntraced(function*(use: LayerUse) {
      const copy = copyAt(use.target)
      if (copy === undefined) return use
      // A copy that was detached is nowhere, though somebody may go on writing into it.
      const shown = (yield* inner.uses(`${copy.place}/tree`)).find(({ target }) => target !== undefined)
      return { target: shown?.target, as: use.writable ? "upper" : "lower", writable: use.writable } satisfies LayerUse
    })

    return { mount, unmount, mounted, uses }
  })

const bind = (source: string, writable: boolean): Mount => ({
  type: "bind",
  source,
  options: [writable ? "rw" : "ro", "rbind"]
})

const hasLayersIn = ({ lower, upper }: Plan, target: string) =>
  [upper, ...lower].some((layer) => layer?.startsWith(`${target}/`))

const refused = (operation: MountFailed["operation"], target: string, code: string, reason: string) =>
  new MountFailed({ operation, target, code, reason })

/** Instead of the machine's own `Mounter`, for everybody. */
export const layer = (scratch: string): Layer.Layer<Mounter, never, Ports> => Layer.effect(Mounter, make(scratch))
