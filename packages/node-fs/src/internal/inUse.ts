/**
 * The kernel's own mark: is this directory the upper one of a live overlay, in whatever mount namespace?
 *
 * An overlay with `index=on` refuses (EBUSY) a lower layer that carries the mark. So one is made, never mounted, over
 * directories of our own and the one in question as a further lower layer, which leaves no trace in it. Inside a user
 * namespace `index=on` is ignored and nothing is told.
 */
import { closing } from "./attach.ts"
import { EBUSY } from "./errno.ts"
import { addDirectory, createFileSystem, openDetached, openOverlay, setOption } from "./overlay.ts"
import { isInUserNamespace, Refused } from "./refusal.ts"
import { AT_FDCWD, type Syscalls } from "./syscalls.ts"

/** `undefined` where this kernel, or this user, is not told. `scratch` is used by one at a time. */
export const isInUse = (sys: Syscalls, layer: string, scratch: string): boolean | undefined => {
  if (isInUserNamespace()) return undefined
  for (const name of ["lower", "upper", "work"]) sys.mkdirat(AT_FDCWD, `${scratch}/${name}`, 0o700)
  try {
    return closing(sys, openOverlay(sys), (context) => {
      if (setOption(sys, context, "index", "on") < 0) return undefined
      // The first lower layer is the one that the mark of origin goes by: always the same.
      addDirectory(sys, context, "lowerdir+", `${scratch}/lower`)
      addDirectory(sys, context, "lowerdir+", layer)
      addDirectory(sys, context, "upperdir", `${scratch}/upper`)
      addDirectory(sys, context, "workdir", `${scratch}/work`)
      const result = createFileSystem(sys, context)
      return result === 0 ? false : result === -EBUSY ? true : undefined
    })
  } catch (thrown) {
    if (thrown instanceof Refused) return undefined
    throw thrown
  }
}

/**
 * A scratch directory that nobody else can reach: a file system in memory, attached nowhere, gone with its
 * descriptor.
 */
export class PrivateScratch {
  private sys: Syscalls | undefined
  private fd: number | undefined

  /** {@link isInUse}, with this scratch; `undefined` also where such a file system cannot be made. */
  isInUse(sys: Syscalls, layer: string): boolean | undefined {
    this.fd ??= this.open(sys)
    return this.fd < 0 ? undefined : isInUse(sys, layer, `/proc/self/fd/${this.fd}`)
  }

  close(): void {
    if (this.fd !== undefined && this.fd >= 0) this.sys?.close(this.fd)
    this.fd = undefined
  }

  private open(sys: Syscalls): number {
    this.sys = sys
    return openDetached(sys, "tmpfs")
  }
}
