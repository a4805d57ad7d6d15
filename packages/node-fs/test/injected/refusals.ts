/** One system call after another is refused, until none is left of its name. */
import { leftOut, type Refusal } from "../syscalls/strace.ts"

/** Calls that are not refused, beside those that are not the store's. */
const kept: Readonly<Record<string, string>> = {
  close:
    "strace does not make the call that it lets fail, so the descriptor would stay open, which it does not in truth"
}

/** What such a call may fail with, beside `EIO`. */
const more: Readonly<Record<string, ReadonlyArray<string>>> = {
  openat: ["EMFILE"],
  openat2: ["EMFILE", "EAGAIN"],
  mkdirat: ["ENOSPC"],
  symlinkat: ["EDQUOT"],
  write: ["ENOSPC"],
  renameat2: ["ENOSPC"],
  unlinkat: ["EROFS", "EBUSY"],
  fsync: ["ENOSPC"],
  syncfs: ["EDQUOT"],
  getdents64: ["EINTR"]
}

export type Errnos = "EIO" | "several"

/** Strikes until a run meets no refusal; says how many did. `strike` answers whether it did. */
export const refuseEach = async (
  counts: ReadonlyMap<string, number>,
  errnos: Errnos,
  strike: (refusal: Refusal) => Promise<boolean>
): Promise<number> => {
  let met = 0
  for (const call of [...counts.keys()].filter((call) => !(call in kept) && !(call in leftOut)).sort()) {
    for (const code of codesOf(call, errnos)) {
      for (let nth = 1; await strike({ when: "fails", call, nth, code }); nth++) met++
    }
  }
  return met
}

/** The event loop reads as well, and ends its process if that fails with anything but `EINTR`. */
const codesOf = (call: string, errnos: Errnos): ReadonlyArray<string> => {
  if (call === "read") return ["EINTR"]
  return errnos === "EIO" ? ["EIO"] : ["EIO", ...more[call] ?? []]
}

export const describeRefusal = ({ call, code, nth }: Refusal): string => `${call} ${nth} fails with ${code}`
