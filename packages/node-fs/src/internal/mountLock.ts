/**
 * The lock under which a layer is mounted writable, so that of two processes one sees the other's mount. It is an
 * flock on the directory that holds the layer, and is the kernel's to free when its holder ends.
 */
import { Effect } from "effect"
import { dirname } from "node:path"
import { openDirectory } from "./directory.ts"
import { EACCES, EAGAIN, EBUSY, ENOENT } from "./errno.ts"
import { Refused } from "./refusal.ts"
import { lookAt, lookThrough, seen } from "./stat.ts"
import { LOCK_EX, LOCK_NB, type Syscalls } from "./syscalls.ts"

const triesMax = 5_000

/**
 * Takes the lock, trying again after each `pause`, and gives what has to be done to release it. Only in a pause may
 * it be interrupted.
 */
export const lockHolder = (
  sys: Syscalls,
  layer: string,
  pause: Effect.Effect<void>
): Effect.Effect<() => void, Refused> => {
  const attempt = (tries: number): Effect.Effect<() => void, Refused> =>
    Effect.suspend(() => {
      const release = tryLock(sys, dirname(layer))
      if (release instanceof Refused) return Effect.fail(release)
      if (release !== undefined) return Effect.succeed(release)
      if (tries === 0) {
        return Effect.fail(new Refused(EBUSY, "another process has been mounting this layer for long; end it"))
      }
      return Effect.flatMap(pause, () => attempt(tries - 1))
    })
  return attempt(triesMax)
}

const tryLock = (sys: Syscalls, holder: string): (() => void) | Refused | undefined => {
  const fd = openDirectory(sys, holder)
  // Who may not even look into it has no lock there; nor have others of the same kind.
  if (fd === -EACCES) return () => {}
  if (fd < 0) return new Refused(-fd, `the kernel refused to open ${JSON.stringify(holder)}, which holds the layer`)
  const result = sys.flock(fd, LOCK_EX | LOCK_NB)
  if (result === 0 && isStillThere(sys, fd, holder)) return () => sys.close(fd)
  sys.close(fd)
  if (result === -EAGAIN) return undefined
  return new Refused(
    result < 0 ? -result : ENOENT,
    `${JSON.stringify(holder)} was moved away meanwhile: the snapshot was committed or removed`
  )
}

/** A commit moves the directory: who waited for the lock then holds that of the committed layer. */
const isStillThere = (sys: Syscalls, fd: number, path: string): boolean => {
  if (lookAt(sys, fd) < 0) return false
  const { dev, ino } = { dev: seen.dev(), ino: seen.ino() }
  return lookThrough(sys, path) === 0 && seen.dev() === dev && seen.ino() === ino
}
