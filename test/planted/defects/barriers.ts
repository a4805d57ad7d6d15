/**
 * Each wait for the disk that docs/ARCHITECTURE.md lists, left out: of what has to be on disk before and after the commit
 * point of each operation, one after another.
 *
 * Some are of no consequence on the simulated disk, where a rename is one change in both of its directories, so that a wait
 * for one of them is a wait for both. A real disk without a journal needs both, and so the calls themselves are looked at,
 * operation by operation; without either, the simulated disk shows the loss. And what a commit waits for without the lock it
 * waits for again under it: that is for those who want the lock meanwhile, and a matter of calls as well.
 */
import type { Defect } from "../defect.ts"
import { powerLoss, protocol, unsynced } from "../tests.ts"

export const barriers: ReadonlyArray<Defect> = [
  // ============================================================ prepare, view
  {
    name: "prepare and view do not wait for what is in staging",
    edits: [{ file: "internal/create.ts", find: "{ kind: \"tree\", path: made.directory },", put: "" }],
    tests: powerLoss("prepare at full on what was made at full")
  },
  {
    name: "prepare and view do not wait for the link in the index",
    edits: [{
      file: "internal/create.ts",
      find: "{ kind: \"directory\", path: store.layout.index }, ...parentMarks",
      put: "...parentMarks"
    }],
    tests: powerLoss("prepare at full on what was made at full")
  },
  {
    name: "prepare and view do not wait for the parent's mark of its child",
    edits: [{
      file: "internal/create.ts",
      find: "{ kind: \"directory\", path: store.layout.index }, ...parentMarks(store, plan.parent)",
      put: "{ kind: \"directory\", path: store.layout.index }"
    }],
    tests: powerLoss("prepare at full on what was made at full")
  },
  {
    name: "prepare and view do not wait for the directory that the snapshot went to",
    edits: [{
      file: "internal/create.ts",
      find: "...moving(store, id, \"staging\", kind, full),",
      put:
        "...moving(store, id, \"staging\", kind, full), after: barrier(full, { kind: \"directory\", path: store.layout.place(\"staging\") }),"
    }],
    tests: protocol
  },
  {
    name: "prepare and view do not wait for staging, which the snapshot has left",
    edits: [{
      file: "internal/create.ts",
      find: "...moving(store, id, \"staging\", kind, full),",
      put:
        "...moving(store, id, \"staging\", kind, full), after: barrier(full, { kind: \"directory\", path: store.layout.place(kind) }),"
    }],
    tests: protocol
  },
  {
    name: "prepare and view do not wait for their rename",
    edits: [{
      file: "internal/create.ts",
      find: "...moving(store, id, \"staging\", kind, full),",
      put: "...moving(store, id, \"staging\", kind, full), after: [],"
    }],
    tests: powerLoss("view at full")
  },
  // ============================================================ commit
  {
    name: "commit does not wait for the contents before it takes the lock",
    edits: [{
      file: "internal/commit.ts",
      find: "yield* syncContents(store, [{ kind: \"tree\", path: found.paths.directory }]).pipe(",
      put: "yield* syncContents(store, []).pipe("
    }],
    tests: protocol
  },
  {
    name: "commit does not wait for what was written after it had waited without the lock",
    edits: [{
      file: "internal/commit.ts",
      find: "{ kind: \"tree\", path: found.paths.directory }, { kind: \"directory\", path: store.layout.index },",
      put: "{ kind: \"directory\", path: store.layout.index },"
    }],
    tests: powerLoss("commit at full of what was prepared at full")
  },
  {
    name: "commit does not wait for the link in the index",
    edits: [{
      file: "internal/commit.ts",
      find: "{ kind: \"directory\", path: store.layout.index },",
      put: ""
    }],
    tests: powerLoss("commit at full of what was prepared at full")
  },
  {
    name: "commit does not wait for the parent's mark of its child",
    edits: [{ file: "internal/commit.ts", find: "...parentMarks(store, parent)", put: "" }],
    tests: powerLoss("commit at full of what was prepared at process")
  },
  {
    name: "commit does not wait for the directory that the snapshot went to",
    edits: [{
      file: "internal/commit.ts",
      find: "...moving(store, found.id, \"active\", \"committed\", waits),",
      put:
        "...moving(store, found.id, \"active\", \"committed\", waits), after: barrier(waits, { kind: \"directory\", path: store.layout.place(\"active\") }),"
    }],
    tests: protocol
  },
  {
    name: "commit does not wait for the directory that the snapshot has left",
    edits: [{
      file: "internal/commit.ts",
      find: "...moving(store, found.id, \"active\", \"committed\", waits),",
      put:
        "...moving(store, found.id, \"active\", \"committed\", waits), after: barrier(waits, { kind: \"directory\", path: store.layout.place(\"committed\") }),"
    }],
    tests: protocol
  },
  {
    name: "commit does not wait for its rename",
    edits: [{
      file: "internal/commit.ts",
      find: "...moving(store, found.id, \"active\", \"committed\", waits),",
      put: "...moving(store, found.id, \"active\", \"committed\", waits), after: [],"
    }],
    tests: powerLoss("commit at full of what was prepared at full")
  },
  {
    name: "commit waits for the contents of the layer neither without the lock nor under it",
    edits: [
      {
        file: "internal/commit.ts",
        find: "yield* syncContents(store, [{ kind: \"tree\", path: found.paths.directory }]).pipe(",
        put: "yield* syncContents(store, []).pipe("
      },
      {
        file: "internal/commit.ts",
        find: "{ kind: \"tree\", path: found.paths.directory }, { kind: \"directory\", path: store.layout.index },",
        put: "{ kind: \"directory\", path: store.layout.index },"
      }
    ],
    tests: powerLoss("commit at full of what was prepared at full")
  },
  // ============================================================ remove
  {
    name: "remove does not wait for trash",
    edits: [{
      file: "internal/remove.ts",
      find: "...moving(store, found.id, found.kind, \"trash\", waits),",
      put:
        "...moving(store, found.id, found.kind, \"trash\", waits), after: barrier(waits, { kind: \"directory\", path: store.layout.place(found.kind) }),"
    }],
    tests: protocol
  },
  {
    name: "remove does not wait for the directory that the snapshot has left",
    edits: [{
      file: "internal/remove.ts",
      find: "...moving(store, found.id, found.kind, \"trash\", waits),",
      put:
        "...moving(store, found.id, found.kind, \"trash\", waits), after: barrier(waits, { kind: \"directory\", path: store.layout.place(\"trash\") }),"
    }],
    tests: protocol
  },
  {
    name: "remove does not wait for its rename before it destroys",
    edits: [{
      file: "internal/remove.ts",
      find: "...moving(store, found.id, found.kind, \"trash\", waits),",
      put: "...moving(store, found.id, found.kind, \"trash\", waits), after: [],"
    }],
    tests: powerLoss("remove of a name at full")
  },
  {
    name: "remove at process of what is promised to be on disk waits for nothing",
    edits: [{
      file: "internal/remove.ts",
      find: "const waits = isFull(store) || found.metadata?.durable !== false",
      put: "const waits = isFull(store)"
    }],
    tests: powerLoss("remove at process of what was made at full")
  },
  {
    name: "commit at process of what is promised to be on disk waits for nothing",
    edits: [{
      file: "internal/commit.ts",
      find: "const waits = full || found.metadata.durable",
      put: "const waits = full"
    }],
    tests: powerLoss("commit at process of what was prepared at full")
  },
  // ============================================================ update
  {
    name: "update does not wait for the new metadata",
    edits: [{
      file: "internal/replace.ts",
      find: "before: barrier(waits, { kind: \"file\", path: paths.next }, ...wanted),",
      put: "before: barrier(waits, ...wanted),"
    }],
    tests: powerLoss("update of a name at full")
  },
  {
    name: "update does not wait for the snapshot's directory",
    edits: [{
      file: "internal/replace.ts",
      find: "after: barrier(waits, { kind: \"directory\", path: paths.directory }),",
      put: "after: [],"
    }],
    tests: powerLoss("update of a name at full")
  },
  {
    name: "update at process of what is promised to be on disk waits for nothing",
    edits: [{
      file: "internal/replace.ts",
      find: "const waits = metadata.durable",
      put: "const waits = store.settings.durability === \"full\""
    }],
    tests: powerLoss("update at process of what was made at full")
  },
  {
    name: "update at full of what was made at process waits for its metadata alone",
    edits: [{
      file: "internal/update.ts",
      find:
        "const wanted = next.durable && !metadata.durable ? wholeSnapshot(store, found.kind, found.id, parent) : []",
      put: "const wanted: ReturnType<typeof wholeSnapshot> = []"
    }],
    tests: powerLoss("update at full of what was made at process")
  },
  // ============================================================ what full builds upon
  {
    name: "what something at full stands on is said to be on disk before it is",
    edits: [{
      file: "internal/durable.ts",
      find: "yield* Effect.mapError(syncContents(store, [...targets, place]), failedIn(operation))",
      put: ""
    }],
    tests: powerLoss("prepare at full on what was made at process")
  },
  {
    name: "what something at full stands on is said to be on disk before its link is",
    edits: [{
      file: "internal/durable.ts",
      find: "{ kind: \"directory\", path: store.layout.index }, ...parentMarks(store, metadata.parent)",
      put: "...parentMarks(store, metadata.parent)"
    }],
    tests: powerLoss("update at full of what was committed at process")
  },
  {
    name: "what something at full stands on is said to be on disk before its parent's mark of it is",
    edits: [{
      file: "internal/durable.ts",
      find: "{ kind: \"directory\", path: store.layout.index }, ...parentMarks(store, metadata.parent)",
      put: "{ kind: \"directory\", path: store.layout.index }"
    }],
    tests: powerLoss("update at full of what was committed at process")
  },
  // ============================================================ open, cleanup
  {
    name: "the making of a store does not wait for what it makes",
    edits: [{
      file: "internal/open.ts",
      find: "{ kind: \"tree\", path: root },",
      put: ""
    }],
    tests: powerLoss("the first prepare at full in a store that was made at full")
  },
  {
    name: "the making of a store does not wait for the directories above it",
    edits: [{
      file: "internal/open.ts",
      find: "...above(root).map((path) => ({ kind: \"directory\", path }) as const)",
      put: ""
    }],
    tests: powerLoss("the first prepare at full in a store that was made at full")
  },
  {
    name: "the making of a store does not wait for its version",
    edits: [{ file: "internal/open.ts", find: "after: barrier(full, ...isInPlace(layout)),", put: "after: []," }],
    tests: powerLoss("the first prepare at full in a store that was made at full")
  },
  {
    name: "a store that was made at process is not put on disk when it is opened at full",
    edits: [{
      file: "internal/open.ts",
      find: "if (record.durable || !isFull(store)) return Effect.void",
      put: "if (record !== undefined) return Effect.void"
    }],
    tests: powerLoss("the first prepare at full in a store that was made at process")
  },
  // ============================================================ what others did not come to wait for
  {
    name: "what somebody did who died before the disk had it is built upon",
    edits: [{ file: "internal/batch.ts", find: "if (!found.value) return Exit.void", put: "return Exit.void" }],
    tests: unsynced("its process died")
  },
  {
    name: "relink puts links back before the store is marked",
    edits: [{
      file: "internal/relink.ts",
      find: "const relinked: ReadonlyArray<string> =",
      put: "yield* putBack(store, lost, strays)\nconst relinked: ReadonlyArray<string> ="
    }],
    tests: protocol
  },
  {
    name: "a store that another process has made meanwhile is not put on disk",
    edits: [{ file: "internal/open.ts", find: "if (made !== undefined) yield* makeDurable(store, made)", put: "" }],
    tests: unsynced("that another process makes")
  },
  {
    name: "what is not on disk yet is not marked",
    edits: [{ file: "internal/batch.ts", find: "if (!ready.some(isWaitedFor)) return ready", put: "return ready" }],
    tests: unsynced("interrupted in its last sync")
  },
  {
    name: "the mark goes though the disk has not confirmed anything",
    edits: [{ file: "internal/batch.ts", find: "if (Exit.isSuccess(exit) && isAll) yield*", put: "if (isAll) yield*" }],
    tests: unsynced("could not be begun")
  }
]
