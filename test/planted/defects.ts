/**
 * Defects to plant in a copy of core, each as a text to be found exactly once and what to put in its place. The first ones
 * are those that the commit had which this library is modelled on.
 */

/** One replacement in a file of `packages/core/src`. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly put: string
}

/** Tests that are there: a file, or those in it whose names hold this text. */
export interface Tests {
  readonly file: string
  readonly named?: string
}

export interface Defect {
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
  /** One of these has to catch it. */
  readonly tests: Tests
}

const model: Tests = { file: "packages/memory-fs/test/Model.test.ts" }
const crash = (named: string): Tests => ({ file: "packages/memory-fs/test/Crash.test.ts", named })
const suite: Tests = { file: "packages/memory-fs/test/Snapshotter.test.ts" }
const concurrency = (named: string): Tests => ({ file: "packages/memory-fs/test/Concurrency.test.ts", named })
const interruption = (named: string): Tests => ({ file: "packages/memory-fs/test/Interruption.test.ts", named })
const turns: Tests = { file: "packages/core/test/Turns.test.ts" }

export const defects: ReadonlyArray<Defect> = [
  {
    name: "prepare of a key that is taken fails, and destroys the snapshot that has it",
    edits: [{
      file: "internal/create.ts",
      find: "yield* nothingInTheWay(store, operation, operation, key)",
      put: `yield* Effect.tapError(nothingInTheWay(store, operation, operation, key), () =>
            Effect.orDie(Effect.flatMap(store.fs.readLink(store.layout.link(sha256Hex(key))), (link) =>
              store.fs.removeTree(\`\${store.layout.index}/\${link}\`))))`
    }],
    tests: model
  },
  {
    name: "prepare does not look whether its parent is there and committed",
    edits: [
      {
        file: "internal/create.ts",
        find: "yield* interruptibly(durable)",
        put: ""
      },
      {
        file: "internal/create.ts",
        find:
          "const chain = yield* chainFrom(store, operation, parent, (yield* subject(store, operation, \"parent\", parent)).id)",
        put: `const chain = [(yield* lookUp(store, operation, parent))?.id ?? (yield* store.ids.next)]
      if (chain.length === 1) return chain`
      },
      {
        file: "internal/create.ts",
        find: "if (full && parent !== undefined) yield* chainIsDurable(store, operation, parent, chain[0])",
        put: ""
      },
      { file: "internal/create.ts", find: "import { chainFrom, ", put: "import { chainFrom, lookUp, " },
      {
        file: "internal/create.ts",
        find:
          "yield* store.fs.copyDirectoryAttributes(store.layout.snapshot(\"committed\", plan.parent).layer, made.layer)",
        put: ""
      },
      {
        file: "internal/create.ts",
        find: "if (plan.parent !== undefined) yield* markChild(staging, plan, plan.parent, id)",
        put: ""
      }
    ],
    tests: model
  },
  {
    name: "commit under a name that is taken fails, and leaves the active snapshot without its scratch directory",
    edits: [{
      file: "internal/commit.ts",
      find: "yield* nothingInTheWay(store, operation, \"commitAs\", name)",
      put: `yield* Effect.tapError(nothingInTheWay(store, operation, "commitAs", name), () =>
        leaveBehind(store.fs.removeTree(found.paths.work)))`
    }],
    tests: model
  },
  {
    name: "commit puts its link in place after the rename, so that a crash leaves a layer that nobody finds",
    edits: [
      {
        file: "internal/commit.ts",
        find: "yield* placeLink(store, operation, staging, name, { kind: \"committed\", id: found.id })",
        put:
          "const late = Effect.orDie(placeLink(store, operation, staging, name, { kind: \"committed\", id: found.id }))"
      },
      {
        file: "internal/commit.ts",
        find: "settle: settle(found),",
        put: "settle: Effect.andThen(late, settle(found)),"
      }
    ],
    tests: crash("of commit \"new\" \"spare\"")
  },
  {
    name: "view is not implemented",
    edits: [{
      file: "Snapshotter.ts",
      find: "view: observed(\"view\", create(store, \"view\")),",
      put: "view: () => Effect.die(new Error(\"not implemented\")),"
    }],
    tests: model
  },
  {
    name: "remove is not implemented",
    edits: [{
      file: "Snapshotter.ts",
      find: "remove: observed(\"remove\", remove(store)),",
      put: "remove: () => Effect.die(new Error(\"not implemented\")),"
    }],
    tests: model
  },
  {
    name: "a link counts whatever the snapshot that it leads to is called",
    edits: [{
      file: "internal/read.ts",
      find: "if (metadata === undefined || metadata.name !== name) return undefined",
      put: "if (metadata === undefined) return undefined"
    }],
    tests: suite
  },
  {
    name: "remove takes the link away before its rename",
    edits: [{
      file: "internal/remove.ts",
      find: "const waits = store.settings.durability === \"full\" || found.metadata?.durable !== false",
      put: `const waits = store.settings.durability === "full" || found.metadata?.durable !== false
        yield* leaveBehind(store.fs.removeFile(store.layout.link(sha256Hex(found.name))))`
    }],
    tests: crash("of remove \"fork\"")
  },
  {
    name: "commit does not look whether the snapshot is mounted",
    edits: [
      {
        file: "internal/commit.ts",
        find: "if (refusesMounted) yield* notMounted(store, operation, { ...found, name: key })\nyield*",
        put: "yield*"
      },
      {
        file: "internal/commit.ts",
        find: "if (refusesMounted) yield* notMounted(store, operation, { ...found, name: key }, staging)",
        put: ""
      }
    ],
    tests: model
  },
  {
    name: "remove does not look whether the snapshot has children",
    edits: [{
      file: "internal/remove.ts",
      find: "if (found.kind === \"committed\") yield* withoutChildren(found)",
      put: ""
    }],
    tests: model
  },
  {
    name: "update writes over the metadata instead of replacing it",
    edits: [{
      file: "internal/replace.ts",
      find: "commit: store.fs.replaceFile(paths.next, paths.metadata(target.kind)),",
      put: `commit: Effect.andThen(store.fs.removeFile(paths.metadata(target.kind)),
      store.fs.replaceFile(paths.next, paths.metadata(target.kind))),`
    }],
    tests: crash("of update \"fork\"")
  },
  {
    name: "the lock is not taken",
    edits: [{
      file: "internal/turns.ts",
      find: "const lock = yield* fs.tryLock(options.root)",
      put: "const lock: HeldLock = { release: Effect.void }"
    }],
    tests: concurrency("linearizable")
  },
  {
    name: "changes of one name share a batch",
    edits: [{
      file: "internal/turns.ts",
      find: "if (!collides) chosen.push(entry)",
      put: "if (!collides || true) chosen.push(entry)"
    }],
    tests: turns
  },
  {
    name: "the contents of a layer are not synced before it is committed",
    edits: [
      {
        file: "internal/commit.ts",
        find: "yield* syncContents(store, [{ kind: \"tree\", path: found.paths.directory }]).pipe(",
        put: "yield* syncContents(store, []).pipe("
      },
      {
        file: "internal/commit.ts",
        find:
          "{ kind: \"tree\", path: found.paths.directory },\n          { kind: \"directory\", path: store.layout.index }",
        put: "{ kind: \"directory\", path: store.layout.index }"
      }
    ],
    tests: concurrency("waits for the disk")
  },
  {
    name: "remove does not wait for its rename to be on disk before it destroys",
    edits: [{
      file: "internal/remove.ts",
      find: "after: barrier(\n          waits,",
      put: "after: barrier(\n          false && waits,"
    }],
    tests: concurrency("waits for the disk")
  },
  {
    name: "whoever leads a batch is interrupted with the caller that came first",
    edits: [{
      file: "internal/turns.ts",
      find: "const alone = batch.includes(entry) && batch.every((one) => one.state === \"abandoned\")",
      put: "const alone = batch.includes(entry)"
    }],
    tests: interruption("of one batch")
  },
  {
    name: "an interrupted operation does not take back what it has staged",
    edits: [{
      file: "internal/turns.ts",
      find: "Effect.forEach(entry.undos.splice(0).reverse(), quietly, { discard: true }),",
      put: "Effect.void,"
    }],
    tests: interruption("any call of prepare")
  },
  {
    name: "whoever leads sees that nobody waits, and resigns a moment later",
    edits: [{
      file: "internal/turns.ts",
      find: "if (queue.length === 0) resign(mine)",
      put: ""
    }],
    tests: turns
  },
  {
    name: "whoever leads can lose the lock that it has just taken",
    edits: [{
      file: "internal/turns.ts",
      find: "const lock = yield* Effect.exit(acquire(restore))",
      put: "const lock = yield* Effect.exit(restore(acquire(restore)))"
    }],
    tests: turns
  },
  {
    name: "what was seen without the lock is not looked at again",
    edits: [{
      file: "internal/subject.ts",
      find: "const again = isOfTheMachine(result.failure) ? found : yield* lookUp(store, operation, name)",
      put: "const again = found"
    }],
    tests: concurrency("linearizable")
  },
  {
    name: "what was made durable without the lock is not looked at again under it",
    edits: [{
      file: "internal/durable.ts",
      find: "if (!(yield* ancestor(store, operation, name, id)).durable) return yield* new Superseded()",
      put: "yield* ancestor(store, operation, name, id)"
    }],
    tests: concurrency("nothing stands on what is not on disk")
  },
  {
    name: "a snapshot that moved away while it was being synced makes all others suspect",
    edits: [{
      file: "internal/durable.ts",
      find: "error.operation === \"sync\"",
      put: "error.operation !== \"\""
    }],
    tests: concurrency("prepare, commit and remove, at full")
  },
  {
    name: "walk lists committed snapshots first, so that one which moves meanwhile is missed",
    edits: [{
      file: "internal/walk.ts",
      find: "for (const kind of kinds) {",
      put: "for (const kind of kinds.toReversed()) {"
    }],
    tests: concurrency("walk while everything changes")
  }
]
