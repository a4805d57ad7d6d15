/**
 * Overlay mounts: by the new mount API with one `lowerdir+` for each layer, or by `mount(2)` with one option string.
 */
import { existsSync, readdirSync } from "node:fs"
import { attach, closing, identityOf, type MountIdentity, nameDirectory, setPrivate } from "./attach.ts"
import { O_CLOEXEC, O_PATH } from "./directory.ts"
import { EINVAL } from "./errno.ts"
import { fileSystemName } from "./fileSystemType.ts"
import { mountFlags } from "./mountFlags.ts"
import { checkedOptionString, fsconfigValue, guardBackslashes, type OverlayPlan, type Setting } from "./overlayPlan.ts"
import { done, Refused } from "./refusal.ts"
import { AT_FDCWD, MNT_DETACH, MS_PRIVATE, type Syscalls } from "./syscalls.ts"

const FSOPEN_CLOEXEC = 1
const FSMOUNT_CLOEXEC = 1
const FSCONFIG_SET_FLAG = 0
const FSCONFIG_SET_STRING = 1
const FSCONFIG_SET_FD = 5
const FSCONFIG_CMD_CREATE = 6

/** `fsconfig` takes no longer text. */
const stringBytesMax = 255

let parameters: ReadonlySet<string> | undefined

/** The parameters that this kernel's overlay says it has; `undefined` while the module is not loaded. Read once. */
export const knownParameters = (): ReadonlySet<string> | undefined => {
  const directory = "/sys/module/overlay/parameters"
  if (parameters === undefined && existsSync(directory)) parameters = new Set(readdirSync(directory))
  return parameters
}

// ============================================================ fsopen

/** A file system that is being configured. */
export const openOverlay = (sys: Syscalls): number => done("fsopen", sys.fsopen("overlay", FSOPEN_CLOEXEC))

/** A new file system with its own settings, mounted but attached nowhere: a descriptor of it, or the negated errno. */
export const openDetached = (sys: Syscalls, type: string): number => {
  const context = sys.fsopen(type, FSOPEN_CLOEXEC)
  if (context < 0) return context
  return closing(sys, context, () => {
    const created = createFileSystem(sys, context)
    return created < 0 ? created : sys.fsmount(context, FSMOUNT_CLOEXEC, 0)
  })
}

let understood: boolean | undefined

/**
 * Whether overlay here takes layers one by one. Older kernels have `fsopen`, but overlay refuses `lowerdir+` (before
 * 6.7), or takes any text and looks at it only in the end (before 6.5).
 */
export const takesLayersSingly = (sys: Syscalls): boolean => {
  understood ??= closing(
    sys,
    openOverlay(sys),
    (context) =>
      sys.fsconfig(context, FSCONFIG_SET_STRING, "no-such-option", "x", 0) < 0 &&
      sys.fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", "/", 0) === 0
  )
  return understood
}

/** Whether overlay here takes a layer by descriptor. */
export const takesDescriptors = (sys: Syscalls, directory: number): boolean =>
  closing(
    sys,
    openOverlay(sys),
    (context) => sys.fsconfig(context, FSCONFIG_SET_FD, "lowerdir+", null, directory) === 0
  )

export const mountByFsopen = (sys: Syscalls, plan: OverlayPlan, target: number): MountIdentity =>
  closing(sys, openOverlay(sys), (context) => {
    for (const setting of plan.settings) set(sys, context, setting)
    for (const lower of plan.lower) addDirectory(sys, context, "lowerdir+", lower)
    if (plan.upper !== undefined) addDirectory(sys, context, "upperdir", plan.upper)
    if (plan.work !== undefined) addDirectory(sys, context, "workdir", plan.work)
    const told = () => messages(sys, context)
    done("the overlay", createFileSystem(sys, context), told)
    const { attribute } = mountFlags(plan.flags)
    const mount = done("fsmount", sys.fsmount(context, FSMOUNT_CLOEXEC, attribute), told)
    // Closed in any case: while it is open the mount is in use.
    return closing(sys, mount, () => {
      setPrivate(sys, mount, 0)
      return attach(sys, mount, target)
    })
  })

/** Makes the file system as configured, mounted nowhere. 0, or the negated errno. */
export const createFileSystem = (sys: Syscalls, context: number): number =>
  sys.fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0)

const set = (sys: Syscalls, context: number, setting: Setting): void => {
  const value = fsconfigValue(setting)
  const result = value === undefined
    ? sys.fsconfig(context, FSCONFIG_SET_FLAG, setting.name, null, 0)
    : sys.fsconfig(context, FSCONFIG_SET_STRING, setting.name, value, 0)
  if (result >= 0) return
  const told = messages(sys, context)
  if (!setting.implied) done(`the option ${setting.name}${value === undefined ? "" : `=${value}`}`, result, () => told)
}

/** Says an option of the probe's own; it has to be taken. */
export const setOption = (sys: Syscalls, context: number, name: string, value: string): number =>
  sys.fsconfig(context, FSCONFIG_SET_STRING, name, value, 0)

/**
 * Adds a layer: by descriptor, which has no limit on length and no escapes, so that mountinfo shows the path as it
 * is; or, for a short lower layer, as text, which saves opening it. Where a kernel (before 6.13) takes no
 * descriptors, as text too.
 */
export const addDirectory = (sys: Syscalls, context: number, key: string, path: string): void => {
  if (key === "lowerdir+" && Buffer.byteLength(path) <= stringBytesMax) {
    done(`${key} ${JSON.stringify(path)}`, setOption(sys, context, key, path), () => messages(sys, context))
    return
  }
  closing(sys, nameDirectory(sys, key, path), (fd) => {
    if (sys.fsconfig(context, FSCONFIG_SET_FD, key, null, fd) === 0) return
    done(`${key} ${JSON.stringify(path)}`, addAsText(sys, context, key, path), () => messages(sys, context))
  })
}

const addAsText = (sys: Syscalls, context: number, key: string, path: string): number => {
  const text = key === "lowerdir+" ? path : guardBackslashes(path)
  if (Buffer.byteLength(text) <= stringBytesMax) return setOption(sys, context, key, text)
  // The last two names stay visible in mountinfo: they tell whose layer it is.
  const [, above = "", names = ""] = /^(.*\/)([^/]+\/[^/]+)\/*$/s.exec(path) ?? []
  return closing(
    sys,
    nameDirectory(sys, key, above),
    (fd) => setOption(sys, context, key, `/proc/self/fd/${fd}/${key === "lowerdir+" ? names : guardBackslashes(names)}`)
  )
}

/** The kernel's own words about what it refused, which nothing else tells. */
const messages = (sys: Syscalls, context: number): Array<string> => {
  const found: Array<string> = []
  const line = Buffer.alloc(4_096)
  for (let bytes = sys.read(context, line, line.length); bytes > 0; bytes = sys.read(context, line, line.length)) {
    found.push(line.toString("utf8", 0, bytes).replace(/^[ewi] /, "").trim())
  }
  return [...new Set(found)]
}

// ============================================================ mount(2)

export const mountByOptionString = (sys: Syscalls, plan: OverlayPlan, target: string): MountIdentity => {
  const text = checkedOptionString(plan, sys.pageBytes())
  const { flag } = mountFlags(plan.flags)
  done("the overlay", sys.mount("overlay", target, "overlay", flag, text))
  const result = sys.mount("none", target, null, MS_PRIVATE, null)
  if (result < 0) sys.umount2(target, MNT_DETACH)
  done("making the mount private", result)
  return closing(sys, nameDirectory(sys, "the mounted directory", target), (fd) => identityOf(sys, fd))
}

// ============================================================ why not

/** File systems whose directories overlay takes no writes to: no whiteouts, no `trusted.*`, or renames of their own. */
const neverUpper = new Set([
  "overlay",
  "aufs",
  "nfs",
  "9p",
  "fuse",
  "cifs",
  "smb",
  "smb2",
  "ceph",
  "afs",
  "vfat",
  "exfat",
  "ntfs",
  "ntfs3",
  "ecryptfs",
  "squashfs",
  "erofs",
  "iso9660",
  "udf",
  "vboxsf",
  "wslfs",
  "hfsplus"
])

/** Explains the kernel's EINVAL where it is known what it means. */
export const explained = <A>(sys: Syscalls, { upper }: OverlayPlan, mount: () => A): A => {
  try {
    return mount()
  } catch (thrown) {
    if (!(thrown instanceof Refused) || thrown.errno !== EINVAL || upper === undefined) throw thrown
    const type = typeOf(sys, upper)
    if (type === undefined || !neverUpper.has(type)) throw thrown
    throw new Refused(EINVAL, `${type} cannot be an upper layer; put the store on a volume or tmpfs (${thrown.reason})`)
  }
}

const typeOf = (sys: Syscalls, path: string): string | undefined => {
  const answer = Buffer.alloc(256)
  return sys.statfs(path, answer) < 0 ? undefined : fileSystemName(answer.readUInt32LE(0))
}

/**
 * After a `volatile` mount overlay refuses the work directory with a bare EINVAL: it cannot know whether what was
 * written is on disk.
 */
export const refuseAfterVolatile = (sys: Syscalls, work: string): void => {
  const mark = `${work}/work/incompat/volatile`
  const result = sys.openat(AT_FDCWD, mark, O_PATH | O_CLOEXEC, 0)
  if (result < 0) return
  sys.close(result)
  throw new Refused(
    EINVAL,
    "it was mounted with the option volatile before, so what was written may not be whole, and overlay does not " +
      `mount it again; remove the snapshot, or, if nothing crashed since, remove ${JSON.stringify(mark)} first`
  )
}
