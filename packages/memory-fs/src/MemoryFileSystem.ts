/**
 * Effect's own `FileSystem` over a volume, with its mounts: what users of snapshots read and write. Derived from the port for
 * trees by core's `EffectFileSystem`. It fails as the Node backend does on Linux, as root: overlays copy up what is written,
 * read-only mounts are `EROFS`, a mount point is `EBUSY`, links and renames between mounts are `EXDEV`.
 */
import * as EffectFileSystem from "@snapshotter/core/EffectFileSystem"
import { type FileSystem, Layer } from "effect"
import * as MemoryTreeFileSystem from "./MemoryTreeFileSystem.ts"
import type { MemoryVolume } from "./MemoryVolume.ts"

export type Options = EffectFileSystem.Options

export const make = (volume: MemoryVolume, options?: Options): FileSystem.FileSystem =>
  EffectFileSystem.make(MemoryTreeFileSystem.make(volume), options)

export const layer: Layer.Layer<FileSystem.FileSystem, never, MemoryVolume> = Layer.provide(
  EffectFileSystem.layer,
  MemoryTreeFileSystem.layer
)
