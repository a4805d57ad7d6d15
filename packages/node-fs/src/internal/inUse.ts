/**
 * The kernel's own mark: is this directory the upper one of a live overlay, in whatever mount namespace?
 *
 * An overlay with `index=on` refuses (EBUSY) a lower layer that carries the mark. So one is made, never mounted, over
 * directories of our own and the one in question as a further lower layer, which leaves no trace in it. Inside a user
 * namespace `index=on` is ignored and nothing is told.
 */
import { closing } from "./attach.ts"
import { EBUSY, EMFILE, ENFILE, ENOMEM, Errno } from "./errno.ts"
import { addDirectory, createFileSystem, openDetached, openOverlay, setOption } from "./overlay.ts"
import { isInUserNamespace, Refused } from "./refusal.ts"
import { AT_FDCWD, type Syscalls } from "./syscalls.ts"

/**
 * Asks, with directories that nobody else can reach: in a file system in memory, attached nowhere, gone with its
 * descriptor. Two that ask in the same directories at once would take each other for the answer.
 */
export class InUseProbe {
  private sys: Syscalls | undefined
  private fd: number | undefined

  /** `undefined` where this kernel, or this user, is not told. Throws `Errno` where it could not be asked just now. */
  isInUse(sys: Syscalls, layer: string): boolean | undefined {
    if (isInUserNamespace()) return undefined
    this.fd ??= this.open(sys)
    if (this.fd < 0) return undefined
    try {
      return ask(sys, layer, `/proc/self/fd/${this.fd}`)
    } catch (thrown) {
      if (thrown instanceof Refused && !passing.has(thrown.errno)) return undefined
      throw thrown
    }
  }

  close(): void {
    if (this.fd !== undefined && this.fd >= 0) this.sys?.close(this.fd)
    this.fd = undefined
  }

  private open(sys: Syscalls): number {
    this.sys = sys
    const fd = openDetached(sys, "tmpfs")
    if (passing.has(-fd)) throw new Errno(-fd)
    for (const name of ["lower", "upper", "work"]) sys.mkdirat(AT_FDCWD, `/proc/self/fd/${fd}/${name}`, 0o700)
    return fd
  }
}

/** Refusals that say nothing about the layer: taking them for "not in use" would let a mounted layer through. */
const passing = new Set([EMFILE, ENFILE, ENOMEM])

const ask = (sys: Syscalls, layer: string, scratch: string): boolean | undefined =>
  closing(sys, openOverlay(sys), (context) => {
    if (setOption(sys, context, "index", "on") < 0) return undefined
    // The first lower layer is the one that the mark of origin goes by: always the same.
    addDirectory(sys, context, "lowerdir+", `${scratch}/lower`)
    addDirectory(sys, context, "lowerdir+", layer)
    addDirectory(sys, context, "upperdir", `${scratch}/upper`)
    addDirectory(sys, context, "workdir", `${scratch}/work`)
    const result = createFileSystem(sys, context)
    if (passing.has(-result)) throw new Errno(-result)
    return result === 0 ? false : result === -EBUSY ? true : undefined
  })
