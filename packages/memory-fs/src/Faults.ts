/**
 * Faults at the ports: any `StoreFileSystem` and any `Mounter`, wrapped so that chosen calls fail, hang, or are the last
 * ones of their process.
 *
 * A call is a value, and an injector a pure function from calls to what becomes of them. What is wrapped by one `Faults`
 * is one simulated process: its calls are numbered together, and when it dies, all of it dies.
 *
 * On real ports calls can be made to fail or hang. A process that is real does not die of this: what it holds, it holds.
 *
 * Two things are no calls of their own, because they cannot fail: the release of a lock, and the unmounting at the end of
 * a mount's scope. In a dead process they do not happen, and die.
 */
import { Mounter, MountFailed } from "@snapshotter/core/Mounter"
import { FileSystemError, type HeldLock, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { Effect, Layer, Scope } from "effect"

/** One call of a port. */
export interface Call {
  /** Counted from 1. */
  readonly index: number
  readonly port: "StoreFileSystem" | "Mounter"
  readonly operation: keyof StoreFileSystem | keyof Mounter
  /** The paths that the call was given, in its order. */
  readonly paths: ReadonlyArray<string>
}

/**
 * What becomes of a call:
 *
 * - `pass`: it is performed.
 * - `{ fail: code }`: it is not performed, and fails with this errno.
 * - `{ failHalfway: code }`: as much of it is performed as a call may leave behind that is not one step, then it fails.
 * - `die`, `dieHalfway`, `dieAfter`: the process dies before, in the middle of, or after performing it.
 * - `hang`: it never ends. It can be interrupted.
 *
 * Halfway, `writeFile` has written half of its text, and `removeTree` has removed half of the names in the directory; of
 * any other call nothing has happened.
 */
export type Fate =
  | "pass"
  | "hang"
  | "die"
  | "dieHalfway"
  | "dieAfter"
  | { readonly fail: string }
  | { readonly failHalfway: string }

export type Injector = (call: Call) => Fate

/** The defect with which every call of a dead process ends. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied"
  /** The call at which it died. */
  readonly call: Call
  constructor(call: Call, fate: string) {
    super(`the process died: ${fate} at ${renderCall(call)}`)
    this.call = call
  }
}

// ============================================================ injectors

export const noFaults: Injector = () => "pass"

/** The n-th call, counted from 1, fails. */
export const failNth = (n: number, code: string): Injector => at(n, { fail: code })

/** The n-th call and all after it fail. */
export const failFrom = (n: number, code: string): Injector => ({ index }) => index >= n ? { fail: code } : "pass"

/** The n-th call fails when half of it is done. */
export const failHalfway = (n: number, code: string): Injector => at(n, { failHalfway: code })

/** The process dies before the n-th call is performed. */
export const dieBefore = (n: number): Injector => at(n, "die")

/** The process dies when half of the n-th call is done. */
export const dieHalfway = (n: number): Injector => at(n, "dieHalfway")

/** The process dies once the n-th call is performed. */
export const dieAfter = (n: number): Injector => at(n, "dieAfter")

/** The n-th call never ends. */
export const hangNth = (n: number): Injector => at(n, "hang")

/** Only calls that `concerns` names are given to the injector. */
export const when = (concerns: (call: Call) => boolean, injector: Injector): Injector => (call) =>
  concerns(call) ? injector(call) : "pass"

/** The first injector that does not let the call pass decides. */
export const firstOf = (...injectors: ReadonlyArray<Injector>): Injector => (call) => {
  for (const injector of injectors) {
    const fate = injector(call)
    if (fate !== "pass") return fate
  }
  return "pass"
}

const at = (n: number, fate: Fate): Injector => ({ index }) => index === n ? fate : "pass"

// ============================================================ the simulated process

/** A call that was made, and what became of it. */
export interface TracedCall {
  readonly call: Call
  /** `dead` where the process had died before. */
  readonly fate: Fate | "dead"
}

export interface Faults {
  readonly storeFileSystem: (inner: StoreFileSystem) => StoreFileSystem
  readonly mounter: (inner: Mounter) => Mounter
  /** How many calls were made before the process died, the one at which it died included. */
  readonly calls: () => number
  /** How many calls did not simply pass. A fault test that injected nothing has tested nothing. */
  readonly injected: () => number
  readonly isDead: () => boolean
  /** Every call so far, those of the dead process too. */
  readonly trace: () => ReadonlyArray<TracedCall>
  /** The trace as text, a line for each call. */
  readonly render: () => string
}

/** A new simulated process, alive, with no calls yet. */
export const make = (injector: Injector = noFaults): Faults => {
  const trace: Array<TracedCall> = []
  let calls = 0
  let injected = 0
  let death: ProcessDied | undefined

  const die = (call: Call, fate: string) =>
    Effect.suspend(() => {
      death = new ProcessDied(call, fate)
      return Effect.die(death)
    })

  const unlessDead = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => death === undefined ? effect : Effect.die(death))

  const meet: Meet = (port, operation, paths, call) =>
    Effect.suspend(() => {
      if (death !== undefined) {
        trace.push({ call: { index: calls + 1, port, operation, paths }, fate: "dead" })
        return Effect.die(death)
      }
      const made: Call = { index: ++calls, port, operation, paths }
      const fate = injector(made)
      trace.push({ call: made, fate })
      if (fate === "pass") return call.perform
      injected++
      if (fate === "hang") return Effect.never
      if (fate === "die") return die(made, "before")
      // A call that fails by itself has ended as well, so the process dies after it all the same.
      if (fate === "dieAfter") return Effect.andThen(Effect.exit(call.perform), die(made, "after"))
      const halfway = Effect.exit(call.halfway ?? Effect.void)
      if (fate === "dieHalfway") return Effect.andThen(halfway, die(made, "halfway"))
      return "fail" in fate ? call.fail(fate.fail) : Effect.andThen(halfway, call.fail(fate.failHalfway))
    })

  return {
    storeFileSystem: (inner) => faultyStoreFileSystem(inner, meet, unlessDead),
    mounter: (inner) => faultyMounter(inner, meet, unlessDead),
    calls: () => calls,
    injected: () => injected,
    isDead: () => death !== undefined,
    trace: () => trace,
    render: () => trace.map(renderTraced).join("\n")
  }
}

/** The ports of a backend, whichever it is, with what happens to their calls. */
export const layer = (
  faults: Faults
): Layer.Layer<StoreFileSystem | Mounter, never, StoreFileSystem | Mounter> =>
  Layer.merge(
    Layer.effect(StoreFileSystem, Effect.map(StoreFileSystem, faults.storeFileSystem)),
    Layer.effect(Mounter, Effect.map(Mounter, faults.mounter))
  )

type Meet = <A, E, R>(
  port: Call["port"],
  operation: Call["operation"],
  paths: ReadonlyArray<string>,
  call: {
    readonly perform: Effect.Effect<A, E, R>
    readonly halfway?: Effect.Effect<unknown, unknown>
    readonly fail: (code: string) => Effect.Effect<never, E>
  }
) => Effect.Effect<A, E, R>

type UnlessDead = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// ============================================================ StoreFileSystem

const faultyStoreFileSystem = (inner: StoreFileSystem, meet: Meet, unlessDead: UnlessDead): StoreFileSystem => {
  const call = <A>(
    operation: keyof StoreFileSystem,
    paths: ReadonlyArray<string>,
    perform: Effect.Effect<A, FileSystemError>,
    halfway: Effect.Effect<unknown, unknown> = Effect.void
  ) =>
    meet("StoreFileSystem", operation, paths, {
      perform,
      halfway,
      fail: (code) => Effect.fail(new FileSystemError({ operation, path: paths[0] ?? "", code }))
    })
  const whileAlive = (lock: HeldLock | undefined): HeldLock | undefined =>
    lock === undefined ? undefined : { release: unlessDead(lock.release) }
  return {
    realPath: (path) => call("realPath", [path], inner.realPath(path)),
    lstat: (path) => call("lstat", [path], inner.lstat(path)),
    readDirectory: (path) => call("readDirectory", [path], inner.readDirectory(path)),
    readFile: (path) => call("readFile", [path], inner.readFile(path)),
    readLink: (path) => call("readLink", [path], inner.readLink(path)),
    makeDirectory: (path, mode) => call("makeDirectory", [path], inner.makeDirectory(path, mode)),
    writeFile: (path, text, mode) =>
      call("writeFile", [path], inner.writeFile(path, text, mode), inner.writeFile(path, halfOf(text), mode)),
    symlink: (target, path) => call("symlink", [path], inner.symlink(target, path)),
    setMode: (path, mode) => call("setMode", [path], inner.setMode(path, mode)),
    replaceFile: (from, to) => call("replaceFile", [from, to], inner.replaceFile(from, to)),
    moveNoReplace: (from, to) => call("moveNoReplace", [from, to], inner.moveNoReplace(from, to)),
    removeFile: (path) => call("removeFile", [path], inner.removeFile(path)),
    removeTree: (path) => call("removeTree", [path], inner.removeTree(path), removeHalf(inner, path)),
    copyDirectoryAttributes: (from, to) =>
      call("copyDirectoryAttributes", [from, to], inner.copyDirectoryAttributes(from, to)),
    usage: (path) => call("usage", [path], inner.usage(path)),
    sync: (targets) => call("sync", targets.map(({ path }) => path), inner.sync(targets)),
    tryLock: (directory) => call("tryLock", [directory], Effect.map(inner.tryLock(directory), whileAlive)),
    overlayXattrs: (directory) => call("overlayXattrs", [directory], inner.overlayXattrs(directory)),
    fileSystemType: (path) => call("fileSystemType", [path], inner.fileSystemType(path))
  }
}

const halfOf = (text: string): string => text.slice(0, Math.floor(text.length / 2))

const removeHalf = (inner: StoreFileSystem, path: string) =>
  Effect.flatMap(
    inner.readDirectory(path),
    (names) =>
      Effect.forEach(names.slice(0, Math.ceil(names.length / 2)), (name) => inner.removeTree(`${path}/${name}`))
  )

// ============================================================ Mounter

const faultyMounter = (inner: Mounter, meet: Meet, unlessDead: UnlessDead): Mounter => {
  const call = <A, E, R>(
    operation: keyof Mounter,
    kernelOperation: MountFailed["operation"],
    paths: ReadonlyArray<string>,
    perform: Effect.Effect<A, E | MountFailed, R>
  ) =>
    meet<A, E | MountFailed, R>("Mounter", operation, paths, {
      perform,
      fail: (code) =>
        Effect.fail(
          new MountFailed({ operation: kernelOperation, target: paths[0] ?? "", code, reason: "a fault was injected" })
        )
    })
  return {
    mount: (mounts, target) =>
      call(
        "mount",
        "mount",
        [target],
        Effect.gen(function*() {
          const outer = yield* Effect.scope
          const own = yield* Scope.make()
          yield* Scope.addFinalizerExit(outer, (exit) => unlessDead(Scope.close(own, exit)))
          yield* Scope.provide(inner.mount(mounts, target), own)
        })
      ),
    unmount: (target) => call("unmount", "unmount", [target], inner.unmount(target)),
    mounted: call("mounted", "read mounts", [], inner.mounted),
    uses: (layer) => call("uses", "read mounts", [layer], inner.uses(layer))
  }
}

// ============================================================ as text

const renderCall = ({ index, operation, paths }: Call): string =>
  `${index} ${operation} ${paths.map((path) => JSON.stringify(path)).join(" ")}`.trimEnd()

const renderTraced = ({ call, fate }: TracedCall): string => {
  if (fate === "pass") return renderCall(call)
  if (typeof fate === "string") return `${renderCall(call)} → ${fate}`
  return `${renderCall(call)} → ${"fail" in fate ? fate.fail : `halfway ${fate.failHalfway}`}`
}
