/** Whole contents of files, read and written piece by piece. */
import { Effect } from "effect"
import type { FileSystemError } from "../../StoreFileSystem.ts"
import type { TreeFile } from "../../TreeFileSystem.ts"

const pieceBytes = 262_144

/** All there is, however much the file says it has. */
export const readAll = (file: TreeFile): Effect.Effect<Uint8Array, FileSystemError> =>
  Effect.gen(function*() {
    const { size } = yield* file.stat
    // One byte more, so that a file that has what it says takes one read, and a second to see its end.
    let contents = new Uint8Array(size + 1)
    let length = 0
    for (;;) {
      const bytes = yield* file.read(contents.subarray(length), length)
      if (bytes === 0) return contents.slice(0, length)
      length += bytes
      if (length === contents.length) contents = grown(contents)
    }
  })

const grown = (contents: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  const larger = new Uint8Array(contents.length * 2 + pieceBytes)
  larger.set(contents)
  return larger
}

/** All of it, from this offset on. */
export const writeAll = (file: TreeFile, bytes: Uint8Array, offset = 0): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    // At least one call: that it cannot be written shows for no bytes too.
    let written = 0
    do written += yield* file.write(bytes.subarray(written), offset + written)
    while (written < bytes.length)
  })

/** Everything from one file to the same place in another. */
export const copyAll = (from: TreeFile, to: TreeFile): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    const piece = new Uint8Array(pieceBytes)
    for (let offset = 0;;) {
      const bytes = yield* from.read(piece, offset)
      if (bytes === 0) return
      yield* writeAll(to, piece.subarray(0, bytes), offset)
      offset += bytes
    }
  })
