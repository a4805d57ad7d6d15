/** An open file with a position, over one of the port, which has none. */
import { Effect, FileSystem, Option } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { FileSystemError } from "../../StoreFileSystem.ts"
import type { TreeFile } from "../../TreeFileSystem.ts"
import { pieceBytes } from "./contents.ts"
import { infoOf } from "./info.ts"
import { asPlatform, unusable } from "./platform.ts"

export class OpenFile implements FileSystem.File {
  readonly [FileSystem.FileTypeId]: typeof FileSystem.FileTypeId = FileSystem.FileTypeId
  readonly stat: Effect.Effect<FileSystem.File.Info, PlatformError>
  readonly sync: Effect.Effect<void, PlatformError>
  private readonly path: string
  private readonly file: TreeFile
  private readonly append: boolean
  private position = 0n

  constructor(path: string, file: TreeFile, append: boolean) {
    this.path = path
    this.file = file
    this.append = append
    this.stat = Effect.map(this.as("stat", file.stat), infoOf)
    this.sync = this.as("sync", file.sync)
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
    return Effect.flatMap(this.roomFor(size), (room) => {
      const buffer = new Uint8Array(room)
      return Effect.map(
        this.readInto("readAlloc", buffer, options),
        (bytes) => bytes === 0 ? Option.none() : Option.some(buffer.subarray(0, bytes))
      )
    })
  }

  truncate(length = 0): Effect.Effect<void, PlatformError> {
    // Node takes a negative length for none.
    const end = Math.max(0, length)
    return Effect.map(this.as("truncate", this.file.truncate(end)), () => {
      if (!this.append && this.position > BigInt(end)) this.position = BigInt(end)
    })
  }

  write(buffer: Uint8Array): Effect.Effect<number, PlatformError> {
    return this.writeFrom("write", buffer)
  }

  private writeFrom(method: string, buffer: Uint8Array): Effect.Effect<number, PlatformError> {
    return Effect.map(
      Effect.suspend(() => this.as(method, this.file.write(buffer, this.append ? 0 : Number(this.position)))),
      (bytes) => {
        if (!this.append) this.position += BigInt(bytes)
        return bytes
      }
    )
  }

  writeAll(buffer: Uint8Array): Effect.Effect<void, PlatformError> {
    if (buffer.length === 0) return Effect.void
    return Effect.flatMap(
      this.writeFrom("writeAll", buffer),
      (bytes) => bytes < buffer.length ? this.writeAll(buffer.subarray(bytes)) : Effect.void
    )
  }

  /** A caller may well ask for everything by a very large number. */
  private roomFor(size: number): Effect.Effect<number, PlatformError> {
    return size <= pieceBytes
      ? Effect.succeed(size)
      : Effect.map(this.as("readAlloc", this.file.stat), (status) => Math.min(size, Math.max(status.size, pieceBytes)))
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
    if (buffer.length === 0) return Effect.succeed(0)
    return Effect.map(
      Effect.suspend(() => {
        const position = explicit ?? this.position
        // So far out there is nothing that could be read.
        return position > Number.MAX_SAFE_INTEGER
          ? Effect.succeed(0)
          : this.as(method, this.file.read(buffer, Number(position)))
      }),
      (bytes) => {
        if (explicit === undefined) this.position += BigInt(bytes)
        return bytes
      }
    )
  }

  private as<A>(method: string, attempt: Effect.Effect<A, FileSystemError>): Effect.Effect<A, PlatformError> {
    return asPlatform(method, this.path, attempt)
  }
}
