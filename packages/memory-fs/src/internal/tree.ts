/**
 * Long work on whole trees, as generators that stop after each entry: others get their turn in between, and what they
 * change meanwhile is met, not assumed.
 */
import type { Usage } from "@snapshotter/core/Snapshot"
import type { Unremoved } from "@snapshotter/core/StoreFileSystem"
import { Effect } from "effect"
import * as Change from "./change.ts"
import { codeOf, Errno } from "./errno.ts"
import { blocksOf, type Entry, type Inode, isDirectory, isEmpty, isRemoved, namesIn } from "./inode.ts"
import type { Location } from "./mountTable.ts"
import { shownName } from "./names.ts"
import type { Volume } from "./volume.ts"

const entriesAtOnce = 256

/** Runs a generator to its end, and lets others run after every {@link entriesAtOnce} steps. Interruptible there. */
export const inTurns = <A>(steps: Iterator<undefined, A>): Effect.Effect<A, Errno> =>
  Effect.suspend(() => {
    const end = someOf(steps)
    return end ?? Effect.flatMap(Effect.yieldNow, () => inTurns(steps))
  })

/** What came of it, if it came to its end. */
const someOf = <A>(steps: Iterator<undefined, A>): Effect.Effect<A, Errno> | undefined => {
  try {
    for (let i = 0; i < entriesAtOnce; i++) {
      const step = steps.next()
      if (step.done === true) return Effect.succeed(step.value)
    }
    return undefined
  } catch (thrown) {
    if (thrown instanceof Errno) return Effect.fail(thrown)
    throw thrown
  }
}

/** With these there is no going on: every further entry would say the same. */
const hopeless = new Set(["EROFS", "EMFILE", "ENFILE", "ENOMEM"])

/**
 * Removes a tree, a link at a time, and tells what it had to leave. It enters no mount point: one is `EXDEV` where it is
 * seen, `EBUSY` where it is mounted through another mount. What others move away meanwhile is theirs. Throws {@link Errno}
 * where going on makes no sense.
 */
export function* removing(volume: Volume, start: Location): Generator<undefined, ReadonlyArray<Unremoved>> {
  const { mount } = start
  const unremoved: Array<Unremoved> = []
  const left = new Set<Entry>()
  const pending: Array<Visit> = [{ link: start.link, parent: start.link.parent }]
  for (let visit = pending.at(-1); visit !== undefined; visit = pending.at(-1)) {
    yield
    const { link, parent } = visit
    let code = obstacle(volume, { mount, link })
    const below = code === undefined && isDirectory(link) ? childrenOf(link).filter((child) => !left.has(child)) : []
    if (link.parent === parent && below.length > 0) {
      for (const child of below) pending.push({ link: child, parent: link })
      continue
    }
    pending.pop()
    if (isRemoved(link) || link.parent !== parent || left.has(link)) continue
    if (code === undefined && (!isDirectory(link) || isEmpty(link))) {
      code = codeOf(() => Change.remove(volume, link))
      if (code === undefined) continue
      if (hopeless.has(code)) throw new Errno(code)
    }
    unremoved.push({ path: shownName(volume.mounts.pathOf({ mount, link })), code: code ?? "ENOTEMPTY" })
    for (let at: Entry | undefined = link; at !== undefined && !left.has(at); at = at.parent) left.add(at)
  }
  return unremoved
}

/** A link on the way to be removed, and the directory it has to be in still when its turn comes. */
interface Visit {
  readonly link: Entry
  readonly parent: Entry | undefined
}

/** Why a link must stay. What is mounted here through another mount hides nothing, so its contents go, but not itself. */
const obstacle = (volume: Volume, location: Location): string | undefined => {
  if (volume.mounts.mountOn(location) !== undefined) return "EXDEV"
  const emptied = !isDirectory(location.link) || isEmpty(location.link)
  return emptied && volume.mounts.isMountPoint(location.link) ? "EBUSY" : undefined
}

const childrenOf = (directory: Entry): ReadonlyArray<Entry> =>
  namesIn(directory).flatMap((name) => directory.children.get(name) ?? [])

/** Measures a directory and all below it, without what is mounted on it. */
export function* measuring(volume: Volume, start: Location): Generator<undefined, Usage> {
  const { mount } = start
  const counted = new Set<Inode>()
  let blocks = 0
  const pending: Array<Entry> = [start.link]
  for (let link = pending.pop(); link !== undefined; link = pending.pop()) {
    yield
    const inode = link.getNode()
    if (isRemoved(link) || counted.has(inode)) continue
    counted.add(inode)
    blocks += blocksOf(inode)
    if (!isDirectory(link)) continue
    for (const child of childrenOf(link)) {
      if (volume.mounts.mountOn({ mount, link: child }) === undefined) pending.push(child)
    }
  }
  return { bytes: blocks * 512, inodes: counted.size }
}
