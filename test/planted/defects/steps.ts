/** The order of the steps of an operation, what undoes them, and what is said of those that fail. */
import type { Defect } from "../defect.ts"
import { comingUp, crash, failing, forks, model, powerLoss, suiteOf, turns, unlocked } from "../tests.ts"

export const steps: ReadonlyArray<Defect> = [
  {
    name: "a link counts whatever the snapshot that it leads to is called",
    edits: [{
      file: "internal/read.ts",
      find: "if (metadata === undefined || metadata.name !== name) return undefined",
      put: "if (metadata === undefined) return undefined"
    }],
    tests: suiteOf("leftovers stand in nobody")
  },
  {
    name: "remove takes the link away before its rename",
    edits: [{
      file: "internal/remove.ts",
      find: "const waits = isFull(store) || found.metadata?.durable !== false",
      put: `const waits = isFull(store) || found.metadata?.durable !== false
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
      find: "commit: store.fs.exchange(paths.next, now),",
      put: "commit: Effect.andThen(store.fs.removeFile(now), store.fs.moveNoReplace(paths.next, now)),"
    }],
    tests: crash("of update \"fork\"")
  },
  {
    name: "prepare puts its link in place after the rename",
    edits: [
      {
        file: "internal/create.ts",
        find: "yield* placeLink(store, operation, staging, plan.key, { kind, id })",
        put: "const late = Effect.orDie(placeLink(store, operation, staging, plan.key, { kind, id }))"
      },
      { file: "internal/create.ts", find: "settle: Effect.void,", put: "settle: late," }
    ],
    tests: crash("of prepare \"new\"")
  },
  {
    name: "the parent knows its child only after it has appeared",
    edits: [
      {
        file: "internal/create.ts",
        find: "if (plan.parent !== undefined) yield* markChild(staging, plan, plan.parent, id)",
        put:
          "const late = plan.parent === undefined ? Effect.void : Effect.orDie(markChild(staging, plan, plan.parent, id))"
      },
      { file: "internal/create.ts", find: "settle: Effect.void,", put: "settle: late," }
    ],
    tests: crash("of prepare \"new\"")
  },
  {
    name: "remove destroys before its rename is on disk",
    edits: [{
      file: "internal/batch.ts",
      find: "const synced = yield* syncAll(attempt, happened.flatMap((one) => one.staged.after))",
      put:
        "for (const { entry, staged } of happened) yield* attempt(askedBy(entry, staged.settle))\nconst synced = yield* syncAll(attempt, happened.flatMap((one) => one.staged.after))"
    }],
    tests: powerLoss("remove of a name at full")
  },
  {
    name: "a rename that may not be on disk is answered with success",
    edits: [{
      file: "internal/batch.ts",
      find:
        "failed ? Exit.failCause(Cause.map(exit.cause, notDurable(entry.change.operation))) : Exit.succeed(staged.result)",
      put: "Exit.succeed(staged.result)"
    }],
    tests: failing
  },
  {
    name: "what has happened is taken back when the disk does not confirm it",
    edits: [{
      file: "internal/batch.ts",
      find: "if (!failed) yield* attempt(askedBy(entry, staged.settle))",
      put:
        "if (!failed) yield* attempt(askedBy(entry, staged.settle))\nelse yield* Effect.forEach(entry.undos.splice(0).reverse(), quietly, { discard: true })"
    }],
    tests: crash("of prepare \"new\"")
  },
  {
    name: "a rename that says that it failed is believed",
    edits: [{
      file: "internal/batch.ts",
      find: "if (Exit.isSuccess(happened) && happened.value === true) return true",
      put: ""
    }],
    tests: turns
  },
  {
    name: "a failed sync puts nobody under suspicion",
    edits: [{
      file: "internal/batch.ts",
      find:
        ": Effect.forEach(exit.cause.reasons.filter(Cause.isFailReason), (reason) => options.syncFailed(reason.error)))",
      put: ": Effect.void)"
    }],
    tests: failing
  },
  {
    name: "whoever is interrupted while he writes down what a failed sync concerns, leaves the rest out",
    edits: [
      {
        file: "internal/suspicion.ts",
        find: "Effect.uninterruptible(Effect.suspend(() => { if (!mayHaveLost(error))",
        put: "(Effect.suspend(() => { if (!mayHaveLost(error))"
      },
      { file: "internal/suspicion.ts", find: "suspicion.ofAllForNow = error.code", put: "" }
    ],
    tests: unlocked("interrupted before all is written down")
  },
  {
    name: "a failed sync is told to one of the stores that share a backend",
    edits: [{
      file: "internal/suspicion.ts",
      find: "[...failures.listeners.get(device) ?? []].map",
      put: "[...failures.listeners.get(device) ?? []].slice(0, 1).map"
    }],
    tests: unlocked("shares the backend")
  },
  {
    name: "a store that is opened after a sync has failed does not ask",
    edits: [{
      file: "internal/suspicion.ts",
      find: "missed === undefined || missed === told.get(root)",
      put: "missed !== told.get(root) || missed === told.get(root)"
    }],
    tests: unlocked("closed when it failed")
  },
  {
    name: "what another's sync may have lost since the commit point is confirmed",
    edits: [{
      file: "internal/batch.ts",
      find: "failure !== undefined && failure !== before ?",
      put: "failure === null ?"
    }],
    tests: unlocked("between the commit point and the last sync")
  },
  {
    name: "a commit does not look again whether a sync has failed since it looked",
    edits: [{
      file: "internal/batch.ts",
      find: "if (failure === undefined || failure === before) return ready",
      put: "if (failure !== before || failure === before) return ready"
    }],
    tests: unlocked("overtaken")
  },
  {
    name: "commit at full takes contents that a failed sync has put under suspicion",
    edits: [{
      file: "internal/suspicion.ts",
      find: "if (known !== undefined) return yield* new ContentsSuspect({ snapshot: called(name), code: known })",
      put: ""
    }],
    tests: forks("suspects every key")
  },
  {
    name: "an empty store whose version a power loss has torn is given up",
    edits: [{
      file: "internal/open.ts",
      find: "if (isTornRecord(text) && (yield* isEmptyStore(fs, layout))) return undefined",
      put: ""
    }],
    tests: comingUp
  },
  {
    name: "the mark that a power loss took of a child is not put back",
    edits: [{
      file: "internal/children.ts",
      find: "if (entry === undefined) yield* mark(store, operation, name, parent, child)",
      put: ""
    }],
    tests: powerLoss("update at full of what was made at process")
  },
  {
    name: "the link that a power loss took of a layer is not put back",
    edits: [{
      file: "internal/durable.ts",
      find: "if (bearer === undefined) yield* placeLink(store, operation, staging, name, target)",
      put: ""
    }],
    tests: comingUp
  },
  {
    name: "the place for marks that a power loss took is not made again",
    edits: [{
      file: "internal/children.ts",
      find: "yield* Effect.mapError(store.fs.makeDirectory(children, 0o700), failedIn(operation))",
      put: ""
    }],
    tests: comingUp
  },
  {
    name: "what is made at process is said to be durable",
    edits: [{ file: "internal/commit.ts", find: "durable: full\n", put: "durable: true\n" }],
    tests: powerLoss("update at full of what was committed at process")
  },
  {
    name: "marks of children that are gone count",
    edits: [{
      file: "internal/children.ts",
      find: "if (found !== undefined) children.push(found)",
      put: "children.push(found ?? { kind: \"active\", id: child })"
    }],
    tests: suiteOf("leftovers stand in nobody")
  },
  {
    name: "cleanup takes links away that lead to a snapshot",
    edits: [{
      file: "internal/sweep.ts",
      find: "if (!(yield* exists(store, paths.directory))) return true",
      put: "if (yield* exists(store, paths.directory)) return true"
    }],
    tests: model
  },
  {
    name: "what of an overlay's work is left goes though it is mounted still",
    edits: [{
      file: "internal/commit.ts",
      find: "if (!refusesMounted && (yield* maybeMounted(store, found.id))) return",
      put: ""
    }],
    tests: suiteOf("mounted")
  }
]
