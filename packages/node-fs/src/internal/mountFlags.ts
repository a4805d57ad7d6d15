/** Options that are about a mount and not about its file system, for both ways to mount. mount_setattr(2), mount(2) */

export const MOUNT_ATTR_RDONLY = 0x1

interface Flag {
  /** For `fsmount` and `mount_setattr`. */
  readonly attribute: number
  /** For `mount`. */
  readonly flag: number
}

/** `rw` and the like say what is so anyway. */
const none: Flag = { attribute: 0, flag: 0 }

const flags: ReadonlyMap<string, Flag> = new Map([
  ["ro", { attribute: MOUNT_ATTR_RDONLY, flag: 1 }],
  ["nosuid", { attribute: 0x2, flag: 2 }],
  ["nodev", { attribute: 0x4, flag: 4 }],
  ["noexec", { attribute: 0x8, flag: 8 }],
  ["noatime", { attribute: 0x10, flag: 1_024 }],
  ["strictatime", { attribute: 0x20, flag: 1 << 24 }],
  ["nodiratime", { attribute: 0x80, flag: 2_048 }],
  ["nosymfollow", { attribute: 0x200000, flag: 256 }],
  ["rw", none],
  ["suid", none],
  ["dev", none],
  ["exec", none],
  ["relatime", none]
])

export const isMountFlag = (option: string): boolean => flags.has(option)

/** All of these options together. */
export const mountFlags = (options: ReadonlyArray<string>): Flag =>
  options.reduce((sum, option) => {
    const { attribute, flag } = flags.get(option) ?? none
    return { attribute: sum.attribute | attribute, flag: sum.flag | flag }
  }, none)
