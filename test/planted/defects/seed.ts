/** What the commit had that this library is modelled on. */
import type { Defect } from "../defect.ts"
import { crash, model } from "../tests.ts"

export const ofTheSeed: ReadonlyArray<Defect> = [
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
        find: "if (parent !== undefined) yield* chainIsDurable(store, operation, parent, chain[0])",
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
  }
]
