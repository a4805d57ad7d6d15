/** A mount that did not come about, inside the backend, and what the caller is told of it. */
import { MountFailed, MountUnavailable } from "@snapshotter/core/Mounter"
import { readFileSync } from "node:fs"
import { EACCES, ENODEV, ENOSYS, EPERM, Errno, errnoName } from "./errno.ts"
import { Unsupported } from "./syscalls.ts"

/** Thrown where a step was refused: by the kernel, or here, before it could do harm. */
export class Refused extends Error {
  override readonly name = "Refused"
  readonly errno: number
  /** What is so, and what to do about it. */
  readonly reason: string
  constructor(errno: number, reason: string) {
    super(reason)
    this.errno = errno
    this.reason = reason
  }
}

/** The result of a step, or a thrown {@link Refused} that says which step it was, and what the kernel said about it. */
export const done = (step: string, result: number, told: () => ReadonlyArray<string> = () => []): number => {
  if (result < 0) throw new Refused(-result, [`the kernel refused ${step}`, ...told()].join(": "))
  return result
}

/** The same for what Node threw; anything but an errno stays what it is. */
export const refusalOfNode = (thrown: unknown, reason: string): unknown =>
  thrown instanceof Error && "errno" in thrown && typeof thrown.errno === "number"
    ? new Refused(-thrown.errno, reason)
    : thrown

/** The typed failure for what was thrown; `undefined` for a defect. */
export const mountFailure = (target: string, thrown: unknown): MountFailed | MountUnavailable | undefined => {
  if (thrown instanceof Unsupported) {
    return new MountUnavailable({ target, reason: thrown.message, remedy: "mount on Linux, on x86_64 or aarch64" })
  }
  const refusal = refusalOf(thrown)
  if (refusal === undefined) return undefined
  const { errno, reason } = refusal
  return unavailability(target, errno, reason) ??
    new MountFailed({ operation: "mount", target, code: errnoName(errno), reason })
}

/** What is known about anything thrown here; `undefined` for a defect. */
export const refusalOf = (thrown: unknown): { readonly errno: number; readonly reason: string } | undefined => {
  if (thrown instanceof Refused) return thrown
  if (thrown instanceof Errno) return { errno: thrown.errno, reason: "the kernel refused it" }
  return thrown instanceof Unsupported ? { errno: thrown.errno, reason: thrown.message } : undefined
}

const unavailability = (target: string, errno: number, reason: string): MountUnavailable | undefined => {
  if (errno === ENOSYS) return new MountUnavailable({ target, reason, remedy: "use a kernel that can mount" })
  if (errno === ENODEV) {
    return new MountUnavailable({
      target,
      reason: `${reason}: this kernel does not know overlay`,
      remedy: "load it (`modprobe overlay`), or use a kernel that has it"
    })
  }
  // Nothing is read for other refusals: where no descriptor is left, nothing could be.
  if (errno !== EPERM && errno !== EACCES) return undefined
  const { uid, mayMount } = privilege()
  if (!mayMount) {
    return new MountUnavailable({
      target,
      reason: `mounting needs CAP_SYS_ADMIN, which this process (user ${uid}) does not have`,
      remedy: "run as root, or inside `unshare -Urm`"
    })
  }
  if (errno === EPERM) {
    return new MountUnavailable({
      target,
      reason: `${reason}, although this process has CAP_SYS_ADMIN: a seccomp filter or a security module forbids it`,
      remedy: "allow mount(2) in the container's profile, or run inside `unshare -Urm`"
    })
  }
  return undefined
}

const CAP_SYS_ADMIN = 21n

/** Who this process is, and whether it has the capability that mounting asks for (in its own user namespace). */
export const privilege = (): { readonly uid: number; readonly mayMount: boolean } => {
  const status = readFileSync("/proc/self/status", "latin1")
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"
  return {
    uid: process.geteuid?.() ?? -1,
    mayMount: ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
  }
}

/** Once known it stays so: a process that has threads, as Node's has, cannot enter another one. */
let inUserNamespace: boolean | undefined

/** Whether this process is in a user namespace of its own: the first one maps every user to itself. */
export const isInUserNamespace = (): boolean => {
  try {
    inUserNamespace ??= !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "latin1"))
    return inUserNamespace
  } catch {
    return false
  }
}
