/**
 * An open descriptor that other threads may be working on: it is closed when none of them is, and refuses from the moment
 * it is to be closed, since its number may soon be another's.
 */
import { Effect } from "effect"
import { EBADF, Errno } from "./errno.ts"
import type { Syscalls } from "./syscalls.ts"

export class Descriptor {
  private readonly sys: Syscalls
  private readonly fd: number
  private busy = 0
  private closing = false
  private whenIdle: (() => void) | undefined

  constructor(sys: Syscalls, fd: number) {
    this.sys = sys
    this.fd = fd
  }

  /** For a call that is over when it returns. Throws `EBADF` once it is to be closed. */
  get number(): number {
    if (this.closing) throw new Errno(EBADF)
    return this.fd
  }

  /** For a call in another thread; `end` is called when that is done with the descriptor, and with what it was given. */
  begin(): { readonly fd: number; readonly end: () => void } {
    const fd = this.number
    this.busy++
    return {
      fd,
      end: () => {
        this.busy--
        if (this.busy === 0) this.whenIdle?.()
      }
    }
  }

  /** Returns when it is closed. Closes once: the number may be another's the second time. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.closing) return resume(Effect.void)
    this.closing = true
    const close = () => {
      this.sys.close(this.fd)
      resume(Effect.void)
    }
    if (this.busy === 0) close()
    else this.whenIdle = close
  })
}
