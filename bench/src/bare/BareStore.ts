/**
 * The floor: what each operation of a store comes down to, as the bare system calls of its steps one after another, with
 * the store's own layout, lock, looks and waits for the disk, and nothing else. No input is judged, no answer is taken
 * apart, nothing is undone, no fiber runs; names are hashed and texts made before the clock starts.
 *
 * It works on the very store that is measured, so that both meet the same directories, and what it leaves there has to be
 * a store that `check` finds nothing wrong with.
 */
import { idFromNumber } from "@snapshotter/core/IdSource"
import type { SnapshotId } from "@snapshotter/core/Snapshot"
import { randomBytes } from "node:crypto"
// Internal, so not among the package's exports.
import { type Layout, layoutOf, linkText, parentLinkText } from "../../../packages/core/src/internal/layout.ts"
import { encodeMetadata } from "../../../packages/core/src/internal/metadata.ts"
import { sha256Hex } from "../../../packages/core/src/internal/sha256.ts"
import { succeeded } from "../../../packages/node-fs/src/internal/errno.ts"
import {
  copyAttributes,
  lock,
  look,
  makeDirectory,
  names,
  openDirectory,
  readLink,
  readText,
  rename,
  replace,
  symlink,
  syncFileSystem,
  syncOne,
  sys,
  unlink,
  writeText
} from "./calls.ts"
import { MountTable, Probe } from "./mounts.ts"
import { measureTree, removeTree } from "./tree.ts"

/** A snapshot that is there. */
export interface There {
  readonly name: string
  readonly id: SnapshotId
  /** Its link in the index. */
  readonly link: string
  /** Its chain, nearest first. */
  readonly parents: ReadonlyArray<SnapshotId>
}

/** One that is to be: its paths and texts, made beforehand. */
export interface Planned {
  readonly kind: "active" | "view"
  readonly id: SnapshotId
  readonly link: string
  readonly metadata: string
  readonly parent: There | undefined
}

export class BareStore {
  readonly table = new MountTable()
  readonly probe = new Probe()
  readonly layout: Layout
  private readonly full: boolean
  private readonly disk: number

  constructor(root: string, durability: "full" | "process") {
    this.layout = layoutOf(root)
    this.full = durability === "full"
    this.disk = openDirectory(root)
  }

  close(): void {
    this.table.close()
    this.probe.close()
    sys.close(this.disk)
  }

  there(name: string, id: SnapshotId, parents: ReadonlyArray<SnapshotId>): There {
    return { name, id, link: this.linkOf(name), parents }
  }

  // === prepare, view

  plan(kind: "active" | "view", key: string, parent: There | undefined): Planned {
    const id = idFromNumber(BigInt(`0x${randomBytes(9).toString("hex")}`))
    return { kind, id, link: this.linkOf(key), metadata: this.metadata(key, parent?.id), parent }
  }

  async create({ id, kind, link, metadata, parent }: Planned): Promise<void> {
    const made = this.layout.snapshot("staging", id)
    const held = lock(this.layout.root)
    if (parent !== undefined) {
      this.find(parent, "committed")
      readLink(this.layout.snapshot("committed", parent.id).parent)
      for (const layer of [parent.id, ...parent.parents]) look(this.layout.snapshot("committed", layer).layer)
    }
    readLink(link)
    makeDirectory(made.directory, 0o700)
    writeText(made.key, metadata)
    makeDirectory(made.layer, 0o755)
    if (parent !== undefined) {
      copyAttributes(this.layout.snapshot("committed", parent.id).layer, made.layer)
      symlink(parentLinkText(parent.id), made.parent)
    }
    if (kind === "active") makeDirectory(made.work, 0o711)
    if (parent !== undefined) writeText(this.layout.snapshot("committed", parent.id).child(id), "")
    symlink(linkText({ kind, id }), link)
    if (this.full) await this.sync()
    rename(made.directory, this.layout.snapshot(kind, id).directory)
    if (this.full) await this.sync()
    sys.close(held)
  }

  // === commit

  planCommit(name: string, key: There): { readonly key: There; readonly link: string; readonly metadata: string } {
    return { key, link: this.linkOf(name), metadata: this.metadata(name, key.parents[0]) }
  }

  async commit({ key, link, metadata }: ReturnType<BareStore["planCommit"]>): Promise<void> {
    const active = this.layout.snapshot("active", key.id)
    if (this.full) {
      this.notMounted(active.layer)
      await this.sync()
    }
    const held = lock(this.layout.root)
    const still = lock(active.directory)
    this.find(key, "active")
    readLink(active.parent)
    readLink(link)
    this.notMounted(active.layer)
    writeText(active.name, metadata)
    makeDirectory(active.children, 0o700)
    symlink(linkText({ kind: "committed", id: key.id }), link)
    if (this.full) await this.sync()
    const committed = this.layout.snapshot("committed", key.id)
    rename(active.directory, committed.directory)
    if (this.full) await this.sync()
    unlink(key.link)
    rename(committed.work, this.layout.trashedWork(key.id))
    sys.close(still)
    sys.close(held)
    removeTree(this.layout.trashedWork(key.id))
  }

  // === remove

  async remove(key: There): Promise<void> {
    const active = this.layout.snapshot("active", key.id)
    const trashed = this.layout.snapshot("trash", key.id).directory
    const held = lock(this.layout.root)
    const still = lock(active.directory)
    this.find(key, "active")
    this.notMounted(active.layer)
    readLink(active.parent)
    rename(active.directory, trashed)
    if (this.full) await this.sync()
    unlink(key.link)
    const parent = key.parents[0]
    if (parent !== undefined) unlink(this.layout.snapshot("committed", parent).child(key.id))
    sys.close(still)
    sys.close(held)
    removeTree(trashed)
  }

  // === update

  planUpdate(key: There, labels: Readonly<Record<string, string>>): {
    readonly key: There
    readonly labels: Readonly<Record<string, string>>
    readonly metadata: string
  } {
    return { key, labels, metadata: this.metadata(key.name, key.parents[0], labels) }
  }

  async update({ key, metadata }: ReturnType<BareStore["planUpdate"]>): Promise<void> {
    const active = this.layout.snapshot("active", key.id)
    const held = lock(this.layout.root)
    this.find(key, "active")
    readLink(active.parent)
    writeText(active.next, metadata)
    if (this.full) await syncOne(active.next)
    replace(active.next, active.key)
    if (this.full) await syncOne(active.directory)
    sys.close(held)
  }

  // === stat, mounts, usage, walk

  stat(key: There): void {
    this.find(key, "active")
    readLink(this.layout.snapshot("active", key.id).parent)
  }

  mounts(key: There): void {
    const active = this.layout.snapshot("active", key.id)
    this.stat(key)
    look(active.layer)
    look(active.work)
    for (const layer of key.parents) look(this.layout.snapshot("committed", layer).layer)
  }

  usage(key: There): void {
    this.find(key, "active")
    look(this.layout.snapshot("active", key.id).layer)
    measureTree(this.layout.snapshot("active", key.id).layer)
  }

  walk(): number {
    let seen = 0
    for (const kind of ["active", "view", "committed"] as const) {
      for (const id of names(this.layout.place(kind)) as ReadonlyArray<SnapshotId>) {
        const paths = this.layout.snapshot(kind, id)
        readText(paths.metadata(kind))
        readLink(paths.parent)
        seen += 1
      }
    }
    return seen
  }

  // === open

  open(): void {
    const { root } = this.layout
    look(root)
    readText(this.layout.version)
    succeeded(sys.fsetxattr(this.disk, "trusted.snapshotter-probe", Buffer.from("y"), 1, 0))
    succeeded(sys.fremovexattr(this.disk, "trusted.snapshotter-probe"))
    names(this.layout.place("staging"))
    names(this.layout.place("trash"))
  }

  // === pieces

  /** The link, and the file of the snapshot that it leads to. */
  private find({ id, link }: There, kind: "active" | "committed"): void {
    readLink(link)
    readText(this.layout.snapshot(kind, id).metadata(kind))
  }

  private notMounted(layer: string): void {
    look(layer)
    this.table.read()
    if (this.probe.isInUse(layer)) throw new Error("it is mounted")
  }

  private linkOf(name: string): string {
    return this.layout.link(sha256Hex(name))
  }

  private sync(): Promise<void> {
    return syncFileSystem(this.disk)
  }

  private metadata(
    name: string,
    parent: SnapshotId | undefined,
    labels: Readonly<Record<string, string>> = {}
  ): string {
    const now = BigInt(Date.now()) * 1_000_000n
    return encodeMetadata({
      version: 1,
      name,
      ...(parent === undefined ? {} : { parent }),
      labels,
      createdAt: now,
      updatedAt: now,
      durable: this.full
    })
  }
}
