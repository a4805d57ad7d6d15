/** Numbers and names of what the kernel answers when it refuses. */
import { constants } from "node:os"

/** Some that the kernel uses and Node has no name for. */
const unnamed: ReadonlyArray<readonly [string, number]> = [["EUCLEAN", 117], ["ENOTNAM", 118], ["EREMOTEIO", 121]]

const names = new Map<number, string>()
for (const [name, number] of [...Object.entries(constants.errno), ...unnamed]) {
  if (!names.has(number)) names.set(number, name)
}

// POSIX has a second name for it, ENOTSUP, which the kernel does not use.
names.set(constants.errno.EOPNOTSUPP, "EOPNOTSUPP")

/** `ENOENT` for 2. Where a number has two names it is the kernel's own: `EAGAIN`, not `EWOULDBLOCK`. */
export const errnoName = (errno: number): string => names.get(errno) ?? `errno ${errno}`

export const {
  E2BIG,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EDQUOT,
  EEXIST,
  EINTR,
  EINVAL,
  EISDIR,
  EILSEQ,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENODATA,
  ENODEV,
  ENOENT,
  ENOMEM,
  ENOSPC,
  ENOSYS,
  ENOTDIR,
  ENOTEMPTY,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  EROFS,
  EXDEV
} = constants.errno

/** Thrown inside a backend where a call was refused; every operation turns it into its own typed failure. */
export class Errno extends Error {
  override readonly name = "Errno"
  readonly errno: number
  constructor(errno: number) {
    super(errnoName(errno))
    this.errno = errno
  }
  get code(): string {
    return errnoName(this.errno)
  }
}

/** The result of a system call, or a thrown {@link Errno} where it is a negated errno. */
export const succeeded = (result: number): number => {
  if (result < 0) throw new Errno(-result)
  return result
}
