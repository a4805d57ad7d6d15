/** Forks and mounts: what ends with a scope, whoever interrupts whom. */
import type { Defect } from "../defect.ts"
import { conformance, forks, mounts, suiteOf } from "../tests.ts"

export const ofForks: ReadonlyArray<Defect> = [
  {
    name: "a fork's mount does not end with its scope",
    edits: [{
      file: "Fork.ts",
      find: "yield* mounter.mount(mounts, directory)",
      put: "yield* Scope.provide(mounter.mount(mounts, directory), yield* Scope.make())"
    }, { file: "Fork.ts", find: "type Scope } from \"effect\"", put: "Scope } from \"effect\"" }],
    tests: suiteOf("the work is gone")
  },
  {
    name: "a mount is not ended by its scope",
    edits: [{
      package: "memory-fs",
      file: "MemoryMounter.ts",
      find: "yield* Effect.addFinalizer(() => detachAll)",
      put: ""
    }],
    tests: conformance("a mount ends with its scope")
  },
  {
    name: "a fork that is interrupted leaves its key",
    edits: [{
      file: "Fork.ts",
      find: "const mounts = yield* Effect.acquireRelease(make, () => remove)",
      put:
        "const mounts = yield* Effect.acquireRelease(make, (_, exit) => Exit.hasInterrupts(exit) ? Effect.void : remove)"
    }],
    tests: suiteOf("the interrupted work is gone")
  },
  {
    name: "a fork that is interrupted while its commit goes on is never thrown away",
    edits: [{
      file: "Fork.ts",
      find: ".pipe(Effect.onInterrupt(() => Effect.sync(() => void (state.ours = true))))",
      put: ""
    }],
    tests: forks("throws the fork away when it is interrupted in the middle of the commit")
  },
  {
    name: "a fork removes whatever bears its key by then",
    edits: [{
      file: "internal/remove.ts",
      find: "yield* isMeant(name, found.id)",
      put: ""
    }],
    tests: suiteOf("leaves alone what others have put under its key")
  },
  {
    name: "a fork commits whatever bears its key by then",
    edits: [{
      file: "internal/commit.ts",
      find: "yield* isMeant(key, found.id)",
      put: ""
    }],
    tests: suiteOf("is not what others have put under its key")
  },
  {
    name: "a layer can be mounted writable twice",
    edits: [{
      package: "memory-fs",
      file: "MemoryMounter.ts",
      find: "const other = usesOf(volume, layer).find(({ writable }) => writable)",
      put: "const other = usesOf(volume, layer).find(() => false)"
    }],
    tests: conformance("a second writable")
  },
  {
    name: "where one of several mounts fails, the others stay",
    edits: [{
      package: "memory-fs",
      file: "MemoryMounter.ts",
      find: "made.push(yield* Effect.onError(mountOne(volume, one, target), () => detachAll))",
      put: "made.push(yield* mountOne(volume, one, target))"
    }],
    tests: conformance("a later one of several mounts")
  },
  {
    name: "a view can be written",
    edits: [{ file: "Mount.ts", find: "writable ? \"rw\" : \"ro\"", put: "\"rw\"" }],
    tests: mounts
  },
  {
    name: "the farthest parent lies over the nearest",
    edits: [{
      file: "Mount.ts",
      find: "`lowerdir=${tree.parents.map",
      put: "`lowerdir=${tree.parents.toReversed().map"
    }],
    tests: mounts
  }
]
