/** The reduced form of the campaign's part `images`, and what it has found, by name. */
import { Key } from "@snapshotter/core/Snapshot"
import type { StoreFileSystem, SyncTarget } from "@snapshotter/core/StoreFileSystem"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { freshDirectoryIn, isRoot } from "../../packages/node-fs/test/place.ts"
import { judgement } from "../Judgement.ts"
import { randomFrom } from "../random.ts"
import { tmpfs } from "../tmpfs.ts"
import { Blanks, comeUp, copyDisk, disturb, type Format, formats, newDisk } from "./disk.ts"
import { lose } from "./images.ts"
import { openStore } from "./images/store.ts"
import { rootOn } from "./images/work.ts"

const runs = judgement("images", isRoot ? undefined : "mounting needs root")

const key = Key.make("k")

/**
 * A snapshot is updated; before its directory is synced, another program is given a new inode, and the power is lost. What
 * the metadata file holds then.
 */
const cutOff = (format: Format, otherwise: (files: StoreFileSystem) => StoreFileSystem) =>
  Effect.gen(function*() {
    const place = yield* freshDirectoryIn(tmpfs())
    const copy = path.join(place, "copy")
    let file = ""
    yield* Effect.scoped(Effect.gen(function*() {
      const disk = yield* newDisk(new Blanks(place), format, place)
      let isUpdating = false
      const { store } = yield* openStore({
        root: rootOn(disk),
        durability: "full",
        random: randomFrom(1),
        onId: (id) => {
          file = `active/${id}/key.json`
        },
        onCall: ({ operation, paths }) => {
          const ofDirectory = operation === "sync" && paths.join() === path.join(rootOn(disk), path.dirname(file))
          if (!isUpdating || !ofDirectory) return
          disturb(disk, { kind: "another file is synced" })
          copyDisk(disk, copy)
        },
        otherwise
      })
      yield* store.prepare(key)
      isUpdating = true
      yield* store.update(key, { patch: { label: "new" } })
    }))
    assert.isTrue(fs.existsSync(copy), "it was copied")
    const disk = yield* comeUp(format, copy, path.join(place, "found"))
    return fs.readFileSync(path.join(rootOn(disk), file), "utf8")
  }).pipe(Effect.scoped)

const asItIs = (files: StoreFileSystem): StoreFileSystem => files

/** As it was, until these copies were made. */
const renamingOver = (files: StoreFileSystem): StoreFileSystem => ({
  ...files,
  exchange: (one, other) => Effect.sync(() => fs.renameSync(one, other))
})

describe.runIf(runs)("what copies of disks have shown", () => {
  for (const format of formats) {
    it(`an update that is cut off leaves the old metadata or the new one, whoever is given inodes meanwhile: ${format.name}`, () =>
      Effect.runPromise(Effect.gen(function*() {
        const { labels, name } = JSON.parse(yield* cutOff(format, asItIs))
        assert.strictEqual(name, key)
        assert.include([undefined, "new"], labels.label)
      })))
  }

  it("a rename over the old one would show somebody else's file: ext4 without a journal", () =>
    Effect.runPromise(Effect.gen(function*() {
      const format = formats.find(({ name }) => name === "ext4 without a journal")
      if (format === undefined) throw new Error("there is no such format")
      assert.strictEqual(yield* cutOff(format, renamingOver), "another\n")
    })))
})

describe.runIf(runs)("what does not keep its promises is caught by copies of disks", () => {
  const isAfterARename = (targets: ReadonlyArray<SyncTarget>) => targets.every(({ kind }) => kind === "directory")
  const lost = "was promised and is not there|which can only be"
  const torn = "seed \\d+: damage: "
  const shows = "does not show what it showed"
  const unmade = "the store fails: NotAStore"
  const unsynced: Record<string, {
    readonly isUnsynced: (targets: ReadonlyArray<SyncTarget>) => boolean
    /** What is wrong then, and nothing else. */
    readonly wrongs: ReadonlyArray<string>
  }> = {
    "nothing waits for the disk": { isUnsynced: () => true, wrongs: [lost, torn, shows, unmade] },
    "nobody waits once it has happened": { isUnsynced: isAfterARename, wrongs: [lost, torn] },
    "nobody waits before it happens": {
      isUnsynced: (targets) => !isAfterARename(targets),
      wrongs: [torn, shows, unmade]
    }
  }
  const caught = async (sync: (files: StoreFileSystem) => StoreFileSystem["sync"]) => {
    const { signal } = new AbortController()
    const orders = { seed: 4_000, until: Infinity, progress: () => {}, signal }
    const otherwise = (files: StoreFileSystem): StoreFileSystem => ({ ...files, sync: sync(files) })
    return (await lose(orders, { disksMax: 2, copiesEach: 10, otherwise })).violations
  }
  for (const [what, { isUnsynced, wrongs }] of Object.entries(unsynced)) {
    it(what, async () => {
      const violations = await caught((files) => (targets) => isUnsynced(targets) ? Effect.void : files.sync(targets))
      assert.isNotEmpty(violations)
      for (const { what } of violations) assert.match(what, new RegExp(wrongs.join("|")))
    })
  }

  it("and a fault of the program that judges is not taken for one of the store", async () => {
    const fault = new Error("of the program")
    const cause = await caught(() => () => Effect.die(fault)).then(() => undefined, (cause: unknown) => cause)
    assert.strictEqual(cause, fault)
  })
})

describe.runIf(runs)("copies of disks, in the midst of operations and between syncs", () => {
  it("hold what was promised", async () => {
    const { signal } = new AbortController()
    const orders = { seed: 4_000, until: Infinity, progress: () => {}, signal }
    const { counts, violations } = await lose(orders, { disksMax: 4, copiesEach: 10 })
    assert.deepStrictEqual(violations, [])
    assert.isAtLeast(counts["images"] ?? 0, 40)
    assert.isAtLeast(counts["distinct"] ?? 0, 20)
    assert.isAtLeast(counts["trees"] ?? 0, 20)
    process.stdout.write(`images: ${JSON.stringify(counts)}\n`)
  })
})
