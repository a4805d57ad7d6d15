/** Bind mounts on a volume's mount table, as `mount(2)` makes them. */
import { type BindMount, isWritable } from "@snapshotter/core/Mount"
import { type Entry, isInside } from "./inode.ts"
import type { Location, MountedTree, MountTable } from "./mountTable.ts"
import type { Volume } from "./volume.ts"

/** A tree of mounts before it is attached. */
interface Copy {
  readonly root: Entry
  readonly writable: boolean
  readonly submounts: ReadonlyArray<{ readonly at: Entry; readonly copy: Copy }>
}

/** Whether a bind mount would be writable: a mount of a read-only mount is read-only too. */
export const wouldBeWritable = (mount: BindMount, source: Location): boolean =>
  isWritable(mount) && source.mount.writable

/** Attaches a bind mount; `rbind` brings along what is mounted below the source, read-only where the mount is. */
export const attachBind = (volume: Volume, mount: BindMount, source: Location, on: Location): MountedTree => {
  const writable = wouldBeWritable(mount, source)
  // Copied first: the target may lie below the source.
  const submounts = mount.options.includes("rbind") ? submountsBelow(volume.mounts, source, writable) : []
  return attach(volume.mounts, { root: source.link, writable, submounts }, on)
}

const submountsBelow = (table: MountTable, source: Location, writable: boolean): Copy["submounts"] =>
  table.mountsOn(source.mount).flatMap((mount) => {
    const at = mount.on?.link
    if (at === undefined || !isInside(at, source.link)) return []
    const stays = writable && mount.writable
    const submounts = submountsBelow(table, { mount, link: mount.root }, stays)
    return [{ at, copy: { root: mount.root, writable: stays, submounts } }]
  })

const attach = (table: MountTable, copy: Copy, on: Location): MountedTree => {
  const mount = table.attach(copy.root, on, copy.writable)
  mount.brought = copy.submounts.flatMap(({ at, copy }) => {
    const submount = attach(table, copy, { mount, link: at })
    return [submount, ...submount.brought]
  })
  return mount
}
