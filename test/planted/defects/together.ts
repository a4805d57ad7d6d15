/** Many fibers and processes on one store: the lock, batches, interruption, and what is looked at again. */
import type { Defect } from "../defect.ts"
import { concurrency, failing, interruption, meanwhile, model, turns } from "../tests.ts"

export const together: ReadonlyArray<Defect> = [
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
      file: "internal/batch.ts",
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
      file: "internal/suspicion.ts",
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
  },
  {
    name: "the lock is released before the work under it begins",
    edits: [{
      file: "internal/turns.ts",
      find: "const goOn = yield* Effect.ensuring(hold(restore), lock.value.release)",
      put: "yield* lock.value.release\nconst goOn = yield* hold(restore)"
    }],
    tests: concurrency("linearizable")
  },
  {
    name: "whoever commits or removes lets go of the snapshot before it has moved",
    edits: [{
      file: "internal/busy.ts",
      find:
        "Effect.uninterruptible(Effect.map(store.fs.tryLock(subject.paths.directory), (lock) => { if (lock !== undefined) staging.end(lock.release) return lock !== undefined }))",
      put:
        "Effect.uninterruptible(Effect.flatMap(store.fs.tryLock(subject.paths.directory), (lock) => lock === undefined ? Effect.succeed(false) : Effect.as(lock.release, true)))"
    }],
    tests: meanwhile("finds its lock held")
  },
  {
    name: "where a name leads is remembered, and never looked up again",
    edits: [
      {
        file: "internal/read.ts",
        find:
          "const target = yield* follow(store, operation, name)\nif (target === undefined) return undefined\nconst metadata",
        put:
          "const known = remembered.get(store.ancestors)?.get(name)\nconst target = known ?? (yield* follow(store, operation, name))\nif (target === undefined) return undefined\nremembered.set(store.ancestors, new Map(remembered.get(store.ancestors)).set(name, target))\nconst metadata"
      },
      {
        file: "internal/read.ts",
        find: "export const lookUp =",
        put: "const remembered = new WeakMap<object, Map<string, Target>>()\nexport const lookUp ="
      }
    ],
    tests: model
  },
  {
    name: "what was found to be rubbish is not looked at again under the lock",
    edits: [{
      file: "internal/sweep.ts",
      find:
        "const rubbish = yield* Effect.filter(found, ({ path, still }) => Effect.catch(still, ({ code }) => { unremoved.push({ path, code }) return Effect.succeed(false) }))",
      put: "const rubbish = found"
    }],
    tests: meanwhile("takes nothing")
  },
  {
    name: "whoever has held the lock for long goes on, though another process waits",
    edits: [{ file: "internal/turns.ts", find: "if (millisBy(clock) - since >= holdMillisMax) return true", put: "" }],
    tests: turns
  },
  {
    name: "the lock of a snapshot that was just taken is lost to whoever interrupts",
    edits: [{
      file: "internal/busy.ts",
      find: "yield* Effect.uninterruptible(Effect.map(store.fs.tryLock",
      put: "yield* (Effect.map(store.fs.tryLock"
    }],
    tests: failing
  }
]
