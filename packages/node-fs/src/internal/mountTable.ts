/** What is mounted in this mount namespace, read again only when the kernel says that it has changed. */
import { constants } from "node:fs"
import { O_CLOEXEC } from "./directory.ts"
import { succeeded } from "./errno.ts"
import { type MountInfo, parseLines } from "./mountinfo.ts"
import { AT_FDCWD, type Syscalls } from "./syscalls.ts"

const POLLPRI = 0x2
const POLLERR = 0x8

/** Reading takes several calls; mounts that come and go between them may be missed, so it is then done again. */
const readsMax = 10

export class MountTable {
  private sys: Syscalls | undefined
  private fd = -1
  /** Room for what is read; it grows with what is mounted. */
  private chunk: Buffer = Buffer.alloc(65_536)
  private lines: ReadonlyMap<string, MountInfo> = new Map()
  private mounts: ReadonlyArray<MountInfo> = []

  /** The same, by where each is now: that a directory above one has been renamed, the kernel does not say. */
  readAnew(sys: Syscalls): ReadonlyArray<MountInfo> {
    this.close()
    return this.read(sys)
  }

  /** All mounts, oldest first. Throws `Errno` where the kernel does not tell. */
  read(sys: Syscalls): ReadonlyArray<MountInfo> {
    const isNew = this.fd < 0
    if (isNew) {
      this.sys = sys
      this.fd = succeeded(sys.openat(AT_FDCWD, "/proc/self/mountinfo", constants.O_RDONLY | O_CLOEXEC, 0))
    }
    // Asked before it is read: a change in between is then told the next time.
    for (let changed = this.changed(sys) || isNew, reads = 0; changed && reads < readsMax; reads++) {
      this.lines = parseLines(this.contents(sys), this.lines)
      this.mounts = [...this.lines.values()]
      changed = this.changed(sys)
    }
    return this.mounts
  }

  close(): void {
    if (this.fd >= 0) this.sys?.close(this.fd)
    this.fd = -1
  }

  private changed(sys: Syscalls): boolean {
    const request = Buffer.alloc(8)
    request.writeInt32LE(this.fd, 0)
    request.writeInt16LE(POLLPRI, 4)
    succeeded(sys.poll(request, 1, 0))
    return (request.readInt16LE(6) & (POLLPRI | POLLERR)) !== 0
  }

  /** Good until it is read again. */
  private contents(sys: Syscalls): Buffer {
    succeeded(sys.lseek(this.fd, 0, 0))
    for (let length = 0;;) {
      const bytes = succeeded(sys.read(this.fd, this.chunk.subarray(length), this.chunk.length - length))
      if (bytes === 0) return this.chunk.subarray(0, length)
      length += bytes
      if (length === this.chunk.length) this.chunk = Buffer.concat([this.chunk], 2 * length)
    }
  }
}
