/** What of mounts the floors need, by bare calls: reading the table, asking for the kernel's mark, mounting an overlay. */
import { constants } from "node:fs"
import { errnoName, succeeded } from "../../../packages/node-fs/src/internal/errno.ts"
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MS_PRIVATE,
  UMOUNT_NOFOLLOW
} from "../../../packages/node-fs/src/internal/syscalls.ts"
import { lock, O_CLOEXEC, O_PATH, openDirectory, sys } from "./calls.ts"

const SET_STRING = 1
const SET_FD = 5
const CREATE = 6
const EMPTY_PATHS = 0x44
const bytes = Buffer.alloc(1 << 20)

/** Reads `/proc/self/mountinfo` when the kernel says that it has changed, and takes nothing apart. */
export class MountTable {
  private readonly fd = succeeded(sys.openat(AT_FDCWD, "/proc/self/mountinfo", constants.O_RDONLY | O_CLOEXEC, 0))

  read(): void {
    const request = Buffer.alloc(8)
    request.writeInt32LE(this.fd, 0)
    request.writeInt16LE(2, 4)
    succeeded(sys.poll(request, 1, 0))
    if (request.readInt16LE(6) === 0) return
    succeeded(sys.lseek(this.fd, 0, 0))
    while (succeeded(sys.read(this.fd, bytes, bytes.length)) > 0);
  }

  close(): void {
    sys.close(this.fd)
  }
}

/** Directories that the kernel's mark is asked with, in memory and mounted nowhere. */
export class Probe {
  private readonly fd: number

  constructor() {
    const context = succeeded(sys.fsopen("tmpfs", 1))
    succeeded(sys.fsconfig(context, CREATE, null, null, 0))
    this.fd = succeeded(sys.fsmount(context, 1, 0))
    sys.close(context)
    for (const name of ["lower", "upper", "work"]) succeeded(sys.mkdirat(this.fd, name, 0o700))
  }

  /** Whether a directory is the upper one of a live overlay. */
  isInUse(layer: string): boolean {
    const scratch = `/proc/self/fd/${this.fd}`
    const context = succeeded(sys.fsopen("overlay", 1))
    succeeded(sys.fsconfig(context, SET_STRING, "index", "on", 0))
    succeeded(sys.fsconfig(context, SET_STRING, "lowerdir+", `${scratch}/lower`, 0))
    succeeded(sys.fsconfig(context, SET_STRING, "lowerdir+", layer, 0))
    succeeded(sys.fsconfig(context, SET_STRING, "upperdir", `${scratch}/upper`, 0))
    succeeded(sys.fsconfig(context, SET_STRING, "workdir", `${scratch}/work`, 0))
    const result = sys.fsconfig(context, CREATE, null, null, 0)
    sys.close(context)
    return result !== 0
  }

  close(): void {
    sys.close(this.fd)
  }
}

/** An overlay to be mounted. */
export interface Overlay {
  readonly lower: ReadonlyArray<string>
  readonly upper: string
  readonly work: string
  readonly target: string
}

/** Mounts a fork as it has to be: under its lock, and after a look at whether it is mounted already. */
export const mountOverlay = (overlay: Overlay, table: MountTable, probe: Probe): void => {
  const held = lock(overlay.upper.slice(0, -"/fs".length))
  table.read()
  if (probe.isInUse(overlay.upper)) throw new Error("it is mounted already")
  const context = succeeded(sys.fsopen("overlay", 1))
  for (const [name, value] of [["index", "off"], ["redirect_dir", "nofollow"], ["metacopy", "off"]] as const) {
    succeeded(sys.fsconfig(context, SET_STRING, name, value, 0))
  }
  for (const lower of overlay.lower) succeeded(sys.fsconfig(context, SET_STRING, "lowerdir+", lower, 0))
  setDirectory(context, "upperdir", overlay.upper)
  setDirectory(context, "workdir", overlay.work)
  succeeded(sys.fsconfig(context, CREATE, null, null, 0))
  const mount = succeeded(sys.fsmount(context, 1, 0))
  sys.close(context)
  attach(mount, overlay.target)
  sys.close(held)
}

const attach = (mount: number, target: string): void => {
  const request = Buffer.alloc(32)
  request.writeBigUInt64LE(BigInt(MS_PRIVATE), 16)
  const place = openDirectory(target, O_PATH)
  succeeded(sys.mountSetattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, request))
  succeeded(sys.moveMount(mount, "", place, "", EMPTY_PATHS))
  sys.close(place)
  sys.close(mount)
}

export const unmount = (target: string): void => {
  const result = sys.umount2(target, UMOUNT_NOFOLLOW)
  if (result < 0) throw new Error(`umount ${target}: ${errnoName(-result)}`)
}

const setDirectory = (context: number, key: string, path: string): void => {
  const fd = openDirectory(path, O_PATH)
  succeeded(sys.fsconfig(context, SET_FD, key, null, fd))
  sys.close(fd)
}
