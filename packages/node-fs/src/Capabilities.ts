/**
 * What this machine, and this user on it, can do for a store in a given directory; and for everything that is
 * missing, what to do about it. Nothing is concluded from version numbers: each thing is tried, in a place of its own
 * that is removed again.
 */
import { type Mounts, mountsOf } from "@snapshotter/core/Mount"
import { Mounter, type MountError } from "@snapshotter/core/Mounter"
import { type FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { Effect, Layer, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { release } from "node:os"
import { join } from "node:path"
import { closing, nameDirectory } from "./internal/attach.ts"
import { InUseProbe } from "./internal/inUse.ts"
import { openOverlay, takesDescriptors, takesLayersSingly } from "./internal/overlay.ts"
import { isInUserNamespace, privilege, refusalOf } from "./internal/refusal.ts"
import { syscalls, Unsupported } from "./internal/syscalls.ts"
import { layer as mounter } from "./NodeMounter.ts"
import { layer as storeFileSystem } from "./NodeStoreFileSystem.ts"

/** Whether something works, what was seen, and where it does not: what to do. */
export const Finding = Schema.Struct({
  works: Schema.Boolean,
  detail: Schema.String,
  remedy: Schema.optionalKey(Schema.String)
})
export type Finding = typeof Finding.Type

export const Capabilities = Schema.Struct({
  directory: Schema.String,
  /** The file system that the directory is on. */
  fileSystem: Schema.String,
  /** Release of the kernel. */
  kernel: Schema.String,
  uid: Schema.Number,
  /** Whether this process is in a user namespace of its own, where it is root over less. */
  userNamespace: Schema.Boolean,
  /** Where overlay may keep its marks. With `user`, mounts need the option `userxattr`. */
  overlayXattrs: Schema.Literals(["trusted", "user", "none"]),
  /** The kernel has overlay, and this process may configure one. */
  overlay: Finding,
  bindMounts: Finding,
  /** An overlay with its upper layer in the directory: written to, and a name of its lower layer removed. */
  overlayMounts: Finding,
  /** Layers one by one, up to 500 whatever the length of their paths; else all have to fit into one page. */
  newMountApi: Finding,
  /** Directories by descriptor: mountinfo then shows paths as they are. */
  layersByDescriptor: Finding,
  /** The kernel tells whether a directory is an overlay's upper layer in any mount namespace. */
  inUseMark: Finding
})
export type Capabilities = typeof Capabilities.Type

/** Looks what can be done in an existing directory. Leaves nothing there. */
export const probe = (directory: string): Effect.Effect<Capabilities, FileSystemError> =>
  probeWithPorts(directory).pipe(Effect.provide(Layer.mergeAll(storeFileSystem, mounter)))

/** As text, one line for each thing, and its remedy below. */
export const render = (capabilities: Capabilities): string => {
  const { directory, fileSystem, kernel, overlayXattrs, uid, userNamespace } = capabilities
  const findings = (Object.entries(titles) as Array<[keyof typeof titles, string]>).flatMap(([name, title]) => {
    const { works, detail, remedy } = capabilities[name]
    return [
      `${works ? "yes" : "no "}  ${title}: ${detail}`,
      ...(works || remedy === undefined ? [] : [`     what to do: ${remedy}`])
    ]
  })
  return [
    `${directory} is on ${fileSystem}; Linux ${kernel}, user ${uid}${userNamespace ? " in a user namespace" : ""}; ` +
    `overlay's marks in ${overlayXattrs === "none" ? "no" : `${overlayXattrs}.*`} attributes`,
    ...findings
  ].join("\n")
}

const titles = {
  overlay: "overlay",
  bindMounts: "bind mounts",
  overlayMounts: "overlay mounts",
  newMountApi: "layers one by one",
  layersByDescriptor: "layers by descriptor",
  inUseMark: "the kernel's in-use mark"
} as const

// ============================================================ trying

const probeWithPorts = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* StoreFileSystem
  const found = {
    directory,
    kernel: release(),
    uid: process.geteuid?.() ?? -1,
    userNamespace: isInUserNamespace()
  }
  const missing = unsupported()
  if (missing !== undefined) {
    return { ...found, fileSystem: "unknown", overlayXattrs: "none" as const, ...all(missing) }
  }
  const overlayXattrs: Capabilities["overlayXattrs"] = (yield* fs.overlayXattrs(directory)) ?? "none"
  const fileSystem = yield* fs.fileSystemType(directory)
  const place = join(directory, `.snapshotter-probe-${randomBytes(6).toString("hex")}`)
  const findings = yield* Effect.acquireUseRelease(
    Effect.as(fs.makeDirectory(place, 0o700), place),
    (place) => findingsIn(place, overlayXattrs === "user" ? ["userxattr"] : []),
    (place) => Effect.orDie(fs.removeTree(place))
  )
  return { ...found, fileSystem, overlayXattrs, ...findings }
})

const findingsIn = Effect.fnUntraced(function*(place: string, options: ReadonlyArray<string>) {
  const fs = yield* StoreFileSystem
  for (const name of ["lower", "upper", "work", "target"]) yield* fs.makeDirectory(join(place, name), 0o700)
  yield* fs.writeFile(join(place, "lower", "name"), "", 0o600)
  const [layer, work] = [join(place, "upper"), join(place, "work")]
  const overlay = mountsOf({ writable: true, layer, work, parents: [join(place, "lower")] }, options)
  const bind = mountsOf({ writable: true, layer, work, parents: [] }, [])
  return {
    overlay: kernelFinding("it can be configured", () => closing(syscalls(), openOverlay(syscalls()), () => true)),
    bindMounts: yield* mountFinding(place, bind, Effect.void),
    overlayMounts: yield* mountFinding(place, overlay, writeThrough(join(place, "target"))),
    newMountApi: kernelFinding("each by lowerdir+", () => takesLayersSingly(syscalls())),
    layersByDescriptor: kernelFinding("by FSCONFIG_SET_FD", () => takesDescriptorsOf(place)),
    inUseMark: yield* inUseFinding(place, overlay)
  }
})

const mountFinding = (place: string, mounts: Mounts, use: Effect.Effect<void, FileSystemError, StoreFileSystem>) =>
  Effect.gen(function*() {
    const mounter = yield* Mounter
    yield* mounter.mount(mounts, join(place, "target"))
    yield* use
    return { works: true, detail: "mounted, used and unmounted" }
  }).pipe(Effect.scoped, Effect.catch((error) => Effect.succeed(notMounted(error))))

/** Whiteouts are what a machine that mounts overlays may still refuse. */
const writeThrough = (target: string) =>
  Effect.gen(function*() {
    const fs = yield* StoreFileSystem
    yield* fs.writeFile(join(target, "written"), "", 0o600)
    yield* fs.removeFile(join(target, "name"))
  })

const notMounted = (error: MountError | FileSystemError): Finding => {
  switch (error._tag) {
    case "MountUnavailable":
      return { works: false, detail: error.reason, remedy: error.remedy }
    case "MountFailed":
      return {
        works: false,
        detail: error.reason,
        remedy: "put the store on a local file system: ext4, xfs, btrfs, tmpfs"
      }
    default:
      return {
        works: false,
        detail: error.message,
        remedy: "put the store on a local file system: ext4, xfs, btrfs, tmpfs"
      }
  }
}

const inUseFinding = (place: string, mounts: Mounts) =>
  Effect.gen(function*() {
    const mounter = yield* Mounter
    yield* mounter.mount(mounts, join(place, "target"))
    const probe = yield* Effect.acquireRelease(
      Effect.sync(() => new InUseProbe()),
      (made) => Effect.sync(() => made.close())
    )
    const told = yield* Effect.sync(() => probe.isInUse(syscalls(), join(place, "upper")) === true)
    return told
      ? { works: true, detail: "it tells of a live overlay" }
      : { works: false, detail: "it does not tell of a live overlay", remedy: inUseRemedy }
  }).pipe(
    Effect.scoped,
    Effect.catch((error) => Effect.succeed({ works: false, detail: error.message, remedy: inUseRemedy }))
  )

const inUseRemedy =
  "run as root outside of a user namespace; without it mounts of other mount namespaces are not noticed"

const takesDescriptorsOf = (place: string): boolean => {
  const sys = syscalls()
  return closing(sys, nameDirectory(sys, "a layer", join(place, "lower")), (fd) => takesDescriptors(sys, fd))
}

const kernelFinding = (detail: string, isSo: () => boolean): Finding => {
  const remedy = privilege().mayMount
    ? "use a newer kernel (Linux 6.13 has it); mount(2) is used instead"
    : "run as root, or inside `unshare -Urm`"
  try {
    return isSo() ? { works: true, detail } : { works: false, detail: "this kernel does not have it", remedy }
  } catch (thrown) {
    const refusal = refusalOf(thrown)
    if (refusal === undefined) throw thrown
    return { works: false, detail: refusal.reason, remedy }
  }
}

// ============================================================ looking

const unsupported = (): Finding | undefined => {
  try {
    syscalls()
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Unsupported)) throw thrown
    return { works: false, detail: thrown.message, remedy: "run on Linux, on x86_64 or aarch64" }
  }
}

const all = (finding: Finding) => ({
  overlay: finding,
  bindMounts: finding,
  overlayMounts: finding,
  newMountApi: finding,
  layersByDescriptor: finding,
  inUseMark: finding
})
