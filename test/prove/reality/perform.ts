/** Does an operation through the ports, whatever they lead to. */
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type TreeFile, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import type { Operation } from "./operation.ts"

/** In the tree that lies at `root`. */
export const perform = (
  root: string,
  operation: Operation
): Effect.Effect<unknown, unknown, TreeFileSystem | StoreFileSystem> =>
  Effect.scoped(Effect.gen(function*() {
    const trees = yield* TreeFileSystem
    const store = yield* StoreFileSystem
    const at = (path: string) => path === "" ? root : `${root}/${path}`
    switch (operation.do) {
      case "mkdir":
        return yield* trees.makeDirectory(at(operation.path), operation.mode)
      case "create": {
        const opening = { write: true, create: operation.mode, exclusive: true }
        return yield* writeAll(yield* trees.open(at(operation.path), opening), operation.text, 0)
      }
      case "write":
        return yield* writeAll(yield* trees.open(at(operation.path), { write: true }), operation.text, operation.offset)
      case "truncate":
        return yield* trees.truncate(at(operation.path), operation.length)
      case "rename":
        return yield* trees.rename(at(operation.from), at(operation.to))
      case "exchange":
        return yield* trees.rename(at(operation.from), at(operation.to), "exchange")
      case "link":
        return yield* trees.link(at(operation.from), at(operation.to))
      case "symlink":
        return yield* trees.symlink(operation.target, at(operation.path))
      case "whiteout":
        return yield* trees.makeNode(at(operation.path), { type: "characterDevice", mode: 0, rdev: 0n })
      case "unlink":
        return yield* trees.removeFile(at(operation.path))
      case "rmdir":
        return yield* trees.removeDirectory(at(operation.path))
      case "chmod":
        return yield* trees.setMode(at(operation.path), operation.mode)
      case "setxattr":
        return yield* trees.setXattr(at(operation.path), operation.name, Buffer.from(operation.value))
      case "fsync file":
        return yield* (yield* trees.open(at(operation.path), { read: true })).sync
      case "fsync directory":
        return yield* store.sync([{ kind: "directory", path: at(operation.path) }])
      case "syncfs":
        return yield* store.sync([{ kind: "tree", path: root }])
    }
  }))

const writeAll = Effect.fnUntraced(function*(file: TreeFile, text: string, offset: number) {
  const bytes = Buffer.from(text, "latin1")
  for (let done = 0; done < bytes.length;) done += yield* file.write(bytes.subarray(done), offset + done)
})
