/** Whole contents of files, read and written piece by piece. */
import { Effect } from "effect"
import { FileSystemError } from "../../StoreFileSystem.ts"
import { textOf, type TreeFile, type TreePath } from "../../TreeFileSystem.ts"

/** What is read at once where nobody knows how much there is. */
export const pieceBytes = 262_144

/** Node reads no larger file as a whole. */
const wholeBytesMax = 2 ** 31

/** All there is, however much the file says it has. */
export const readAll = (path: TreePath, file: TreeFile): Effect.Effect<Uint8Array, FileSystemError> =>
  Effect.gen(function*() {
    const { size } = yield* file.stat
    if (size > wholeBytesMax) {
      // Node's own code, not an errno.
      return yield* new FileSystemError({ operation: "read", path: textOf(path), code: "ERR_FS_FILE_TOO_LARGE" })
    }
    // Room for one byte more, so that a file that has what it says is seen to end there.
    let contents = new Uint8Array(size + 1)
    for (let length = 0;;) {
      length += yield* file.read(contents.subarray(length), length)
      if (length < contents.length) return contents.subarray(0, length)
      contents = grown(contents)
    }
  })

const grown = (contents: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  const larger = new Uint8Array(contents.length * 2 + pieceBytes)
  larger.set(contents)
  return larger
}

/** All of it, from this offset on; no bytes are written too, so that whoever may not write is told. */
export const writeAll = (file: TreeFile, bytes: Uint8Array, offset = 0): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
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
      if (bytes > 0) yield* writeAll(to, piece.subarray(0, bytes), offset)
      if (bytes < piece.length) return
      offset += bytes
    }
  })
