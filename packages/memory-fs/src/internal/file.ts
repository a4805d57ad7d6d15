/** Open files of Effect's `FileSystem`, and what it tells about any file. */
import { ByteSize, Effect, FileSystem, Option } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { MemoryVolume } from "../MemoryVolume.ts"
import { inodeToChange } from "./change.ts"
import { Errno } from "./errno.ts"
import { identifiersOf } from "./identifiers.ts"
import { blocksOf, type Entry, type Inode, sizeOf } from "./inode.ts"
import { requireWritable } from "./lookup.ts"
import type { Location } from "./mountTable.ts"
import { attempt, unusable } from "./platform.ts"

/** Larger files are refused with `EFBIG`: their bytes have to fit into memory. */
export const fileBytesMax = 0x7fff_ffff

// ============================================================ stat

export const typeOf = (inode: Inode): FileSystem.File.Type => {
  if (inode.isFile()) return "File"
  if (inode.isDirectory()) return "Directory"
  if (inode.isSymlink()) return "SymbolicLink"
  return inode.isCharacterDevice() ? "CharacterDevice" : "Unknown"
}

export const infoOf = (volume: MemoryVolume, entry: Entry): FileSystem.File.Info => {
  const inode = entry.getNode()
  const { dev, ino, nlink } = identifiersOf(volume, entry)
  return {
    type: typeOf(inode),
    mtime: Option.some(new Date(inode.mtime)),
    atime: Option.some(new Date(inode.atime)),
    birthtime: Option.some(new Date(inode.btime)),
    dev,
    ino: Option.some(BigInt(ino)),
    mode: inode.mode,
    nlink: Option.some(BigInt(nlink)),
    uid: Option.some(inode.uid),
    gid: Option.some(inode.gid),
    rdev: Option.some(BigInt(inode.rdev)),
    size: ByteSize.bytes(sizeOf(inode)),
    blksize: Option.some(ByteSize.bytes(4096)),
    blocks: Option.some(BigInt(blocksOf(inode)))
  }
}

// ============================================================ reading and writing inodes

/** Everything a file holds, as bytes of their own. */
export const readAll = (inode: Inode): Uint8Array => {
  if (inode.isDirectory()) throw new Errno("EISDIR")
  return new Uint8Array(inode.buf.subarray(0, inode.getSize()))
}

export const writeAt = (inode: Inode, bytes: Uint8Array, position: number): number => {
  if (position + bytes.length > fileBytesMax) throw new Errno("EFBIG")
  return inode.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, position)
}

export const truncate = (volume: MemoryVolume, location: Location, length: number): void => {
  if (location.link.getNode().isDirectory()) throw new Errno("EISDIR")
  requireWritable(location)
  // Node takes a negative length for none.
  resize(inodeToChange(volume, location.link), Math.max(0, length))
}

const resize = (inode: Inode, length: number): void => {
  if (!inode.isFile() || length < 0) throw new Errno("EINVAL")
  if (length > fileBytesMax) throw new Errno("EFBIG")
  inode.truncate(length)
}

// ============================================================ open files

export interface Access {
  readonly read: boolean
  readonly write: boolean
  readonly append: boolean
}

/** A file that is open: while it is, its mount is in use, and its inode is there even without a name. */
export class OpenFile implements FileSystem.File {
  readonly [FileSystem.FileTypeId]: typeof FileSystem.FileTypeId = FileSystem.FileTypeId
  readonly stat: Effect.Effect<FileSystem.File.Info, PlatformError>
  readonly sync: Effect.Effect<void, PlatformError>
  private readonly path: string
  private readonly location: Location
  private readonly access: Access
  private position = 0n
  private open = true

  constructor(volume: MemoryVolume, path: string, location: Location, access: Access) {
    this.path = path
    this.location = location
    this.access = access
    this.stat = this.use("stat", () => infoOf(volume, location.link))
    this.sync = this.use("sync", () => undefined)
    location.mount.users++
  }

  /** In an overlay another one from the moment on that it is copied up, also for whoever only reads. */
  private get inode(): Inode {
    return this.location.link.getNode()
  }

  close(): void {
    if (!this.open) return
    this.open = false
    this.location.mount.users--
  }

  seek(offset: bigint, from: FileSystem.SeekMode): Effect.Effect<bigint, PlatformError> {
    return Effect.suspend(() => {
      const position = from === "start" ? offset : this.position + offset
      if (position < 0n) return Effect.fail(unusable("seek", "Cannot seek before the start of the file"))
      this.position = position
      return Effect.succeed(position)
    })
  }

  read(buffer: Uint8Array, options?: FileSystem.File.ReadOptions): Effect.Effect<number, PlatformError> {
    return this.readInto("read", buffer, options)
  }

  readAlloc(
    size: number,
    options?: FileSystem.File.ReadOptions
  ): Effect.Effect<Option.Option<Uint8Array>, PlatformError> {
    if (!Number.isInteger(size) || size < 0) {
      return Effect.fail(unusable("readAlloc", "size must be a non-negative integer"))
    }
    return Effect.suspend(() => {
      const buffer = new Uint8Array(Math.min(size, this.inode.getSize()))
      return Effect.map(
        this.readInto("readAlloc", buffer, options),
        (length) => length === 0 ? Option.none() : Option.some(buffer.subarray(0, length))
      )
    })
  }

  truncate(length?: number): Effect.Effect<void, PlatformError> {
    return this.use("truncate", () => {
      if (!this.access.write) throw new Errno("EINVAL")
      resize(this.inode, length ?? 0)
      const end = BigInt(length ?? 0)
      if (!this.access.append && this.position > end) this.position = end
    })
  }

  write(buffer: Uint8Array): Effect.Effect<number, PlatformError> {
    return this.use("write", () => {
      if (!this.access.write) throw new Errno("EBADF")
      if (this.position > fileBytesMax) throw new Errno("EFBIG")
      if (this.access.append) return writeAt(this.inode, buffer, this.inode.getSize())
      const written = writeAt(this.inode, buffer, Number(this.position))
      this.position += BigInt(written)
      return written
    })
  }

  /** A write to memory is never partial. */
  writeAll(buffer: Uint8Array): Effect.Effect<void, PlatformError> {
    return Effect.asVoid(this.write(buffer))
  }

  private readInto(
    method: string,
    buffer: Uint8Array,
    options: FileSystem.File.ReadOptions | undefined
  ): Effect.Effect<number, PlatformError> {
    const explicit = options?.position
    if (explicit !== undefined && explicit < 0n) {
      return Effect.fail(unusable(method, "Cannot read before the start of the file"))
    }
    return this.use(method, () => {
      if (!this.access.read) throw new Errno("EBADF")
      if (this.inode.isDirectory()) throw new Errno("EISDIR")
      const position = explicit ?? this.position
      const bytes = position > fileBytesMax ? 0 : this.inode.read(buffer, 0, buffer.length, Number(position))
      if (explicit === undefined) this.position += BigInt(bytes)
      return bytes
    })
  }

  private use<A>(method: string, act: () => A): Effect.Effect<A, PlatformError> {
    return attempt(method, [this.path], () => {
      if (!this.open) throw new Errno("EBADF")
      return act()
    })
  }
}
