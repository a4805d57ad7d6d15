import { assert, describe, it } from "@effect/vitest"
import * as MounterModule from "@snapshotter/core/Mounter"
import { Key, labelBytesMax, Name } from "@snapshotter/core/Snapshot"
import * as Errors from "@snapshotter/core/SnapshotterError"
import { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import { Effect } from "effect"
import * as fc from "fast-check"
// Internal, so not among the package's exports.
import { validLabels, validUpdate } from "../src/internal/input.ts"

const text = fc.string({ unit: "binary", maxLength: 10 })
const labelKey = fc.oneof(fc.constantFrom("__proto__", "constructor", "a", "b", "c"), text.filter((key) => key !== ""))
const labels = fc.array(fc.tuple(labelKey, text)).map((entries): Record<string, string> => Object.fromEntries(entries))
const patch = fc.array(fc.tuple(labelKey, fc.oneof(text, fc.constant(null))))
  .map((entries): Record<string, string | null> => Object.fromEntries(entries))

const sorted = (labels: Record<string, string>) => Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1)

describe("labels", () => {
  it("are kept as they are, those without value left out", () => {
    fc.assert(fc.property(labels, (labels) => {
      const kept = Effect.runSync(validLabels(labels))
      assert.deepStrictEqual(sorted(kept), sorted(labels).filter(([, value]) => value !== ""))
    }))
  })

  it("are patched one by one, whatever their keys", () => {
    fc.assert(fc.property(labels, patch, (before, patch) => {
      const after = Effect.runSync(validUpdate({ patch }))(Effect.runSync(validLabels(before)))
      const expected = new Map(Object.entries(before))
      for (const [key, value] of Object.entries(patch)) expected.set(key, value ?? "")
      assert.deepStrictEqual(sorted(after), sorted(Object.fromEntries(expected)).filter(([, value]) => value !== ""))
    }))
  })

  it("are removed also where the key leaves no room for a value", () => {
    const [longest, kept] = ["k".repeat(labelBytesMax - 1), { a: "1" }]
    const before = Effect.runSync(validLabels({ [longest]: "v", ...kept }))
    assert.deepStrictEqual(Effect.runSync(validUpdate({ patch: { [longest]: null } }))(before), kept)
  })

  it("are replaced whole", () => {
    fc.assert(fc.property(labels, labels, (before, replace) => {
      const after = Effect.runSync(validUpdate({ replace }))(before)
      assert.deepStrictEqual(after, Effect.runSync(validLabels(replace)))
    }))
  })
})

it("an update is one of two, and nothing else", () => {
  const refusal = (update: unknown) =>
    Effect.runSync(Effect.flip(validUpdate(update as Parameters<typeof validUpdate>[0])))
  const either = "the label \"\" cannot be kept: an update is either { patch } or { replace }; no label was changed"
  for (const other of [undefined, null, 5, {}, { patch: {}, replace: {} }]) {
    assert.strictEqual(refusal(other).message, either)
  }
  for (const value of [undefined, null, 5, [], "text"]) {
    const noRecord = "the label \"\" cannot be kept: labels are an object of texts; no label was changed"
    for (const field of ["patch", "replace"]) assert.strictEqual(refusal({ [field]: value }).message, noRecord)
  }
  assert.strictEqual(refusal({ patch: {}, parent: "a" })._tag, "ImmutableField")
  const bad = refusal({ replace: { a: "1", "": "2" } })
  assert.deepInclude(bad, { _tag: "InvalidLabels", label: "", reason: "its key is empty" })
})

// ============================================================ what failures say

/** One of each failure, with what its message has to name: the subject first. */
const examples: Record<string, readonly [{ readonly message: string }, ...ReadonlyArray<string>]> = {
  InvalidKey: [
    new Errors.InvalidKey({ role: "name", value: "a\0", reason: "it has NUL" }),
    "a\\u0000",
    "name",
    "it has NUL"
  ],
  InvalidLabels: [
    new Errors.InvalidLabels({ label: "team", reason: "too long" }),
    "team",
    "too long",
    "no label was changed"
  ],
  InvalidFilter: [
    new Errors.InvalidFilter({ filter: "name=c1", position: 5, expected: "\"=\"" }),
    "name=c1",
    "character 5",
    "\"=\"",
    "kind==active"
  ],
  ImmutableField: [new Errors.ImmutableField({ field: "parent" }), "parent", "only its labels"],
  SnapshotNotFound: [new Errors.SnapshotNotFound({ snapshot: Key.make("subject") }), "subject"],
  ParentNotFound: [new Errors.ParentNotFound({ parent: Name.make("subject") }), "subject", "commit one"],
  ParentNotCommitted: [
    new Errors.ParentNotCommitted({ parent: Name.make("subject"), kind: "active" }),
    "subject",
    "active",
    "commit it first"
  ],
  KeyTaken: [new Errors.KeyTaken({ key: Key.make("subject"), kind: "view" }), "subject", "view", "another key"],
  NameTaken: [new Errors.NameTaken({ snapshot: Key.make("subject"), kind: "view" }), "subject", "view", "another name"],
  NotActive: [new Errors.NotActive({ key: Key.make("subject"), kind: "view" }), "subject", "a view", "prepare"],
  NotMountable: [
    new Errors.NotMountable({ snapshot: Key.make("subject") }),
    "subject",
    "committed",
    "make a view or a fork"
  ],
  HasChildren: [
    new Errors.HasChildren({ snapshot: Key.make("subject"), children: [Key.make("one")], count: 12 }),
    "subject",
    "one",
    "11 more",
    "remove them"
  ],
  TooManyLayers: [
    new Errors.TooManyLayers({ parent: Name.make("subject"), depth: 501, limit: 500 }),
    "subject",
    "501",
    "500",
    "new base"
  ],
  Busy: [
    new Errors.Busy({ operation: "commit", snapshot: Key.make("subject"), mountPoints: ["/m"] }),
    "subject",
    "commit",
    "/m",
    "unmount it"
  ],
  ContentsSuspect: [
    new Errors.ContentsSuspect({ snapshot: Key.make("subject"), code: "EIO" }),
    "subject",
    "EIO",
    "remove it"
  ],
  ReadOnlyStore: [
    new Errors.ReadOnlyStore({ operation: "prepare", path: "/store" }),
    "/store",
    "prepare",
    "remount it writable"
  ],
  StoreFailure: [
    new Errors.StoreFailure({ operation: "prepare", path: "/store/x", code: "ENOSPC", call: "writeFile" }),
    "/store/x",
    "prepare",
    "ENOSPC",
    "writeFile",
    "make room"
  ],
  NotDurable: [
    new Errors.NotDurable({ operation: "commit", path: "/store/x", code: "EIO" }),
    "/store/x",
    "commit",
    "EIO",
    "check the disk"
  ],
  LockTimeout: [new Errors.LockTimeout({ root: "/store", milliseconds: 50 }), "/store", "50 ms", "raise lockTimeout"],
  Damaged: [
    new Errors.Damaged({ snapshot: Key.make("subject"), path: "/store/x", reason: "is missing" }),
    "subject",
    "/store/x",
    "is missing",
    "remove it"
  ],
  NotAStore: [
    new Errors.NotAStore({ root: "/store", reason: "it is a file" }),
    "/store",
    "it is a file",
    "empty directory"
  ],
  UnsupportedVersion: [
    new Errors.UnsupportedVersion({ root: "/store", version: 2, supported: 1 }),
    "/store",
    "2",
    "knows 1",
    "use the version"
  ],
  XattrsMismatch: [
    new Errors.XattrsMismatch({ root: "/store", recorded: "trusted", available: "user" }),
    "/store",
    "trusted",
    "user",
    "as root"
  ],
  UnsuitableRoot: [
    new Errors.UnsuitableRoot({ root: "/store", reason: "too long", remedy: "shorten it" }),
    "/store",
    "too long",
    "shorten it"
  ],
  InvalidOption: [
    new Errors.InvalidOption({ option: "layersMax", value: 0, reason: "too few" }),
    "layersMax",
    "0",
    "too few"
  ],
  MountFailed: [
    new MounterModule.MountFailed({ operation: "mount", target: "/m", code: "EINVAL", reason: "a reason" }),
    "/m",
    "mount",
    "EINVAL",
    "a reason"
  ],
  MountUnavailable: [
    new MounterModule.MountUnavailable({ target: "/m", reason: "no right", remedy: "be root" }),
    "/m",
    "no right",
    "be root"
  ],
  AlreadyMounted: [
    new MounterModule.AlreadyMounted({ layer: "/l", target: "/m" }),
    "/l",
    "/m",
    "unmount it there first"
  ],
  StillInUse: [new MounterModule.StillInUse({ target: "/m" }), "/m", "still in use", "unmount again"],
  FileSystemError: [new FileSystemError({ operation: "lstat", path: "/x", code: "EIO" }), "/x", "lstat", "EIO"]
}

describe("failures", () => {
  it("all have an example here", () => {
    const classes = [...Object.entries(Errors), ...Object.entries(MounterModule)].flatMap(([name, value]) =>
      typeof value === "function" && value.prototype instanceof Error ? [name] : []
    )
    assert.isAbove(classes.length, 25)
    for (const name of classes) assert.property(examples, name)
  })

  for (const [tag, [error, ...mentions]] of Object.entries(examples)) {
    it(`${tag} says ${mentions.join(", ")}`, () => {
      assert.propertyVal(error, "_tag", tag)
      for (const mention of mentions) assert.include(error.message, mention)
      assert.include(String(error), error.message)
    })
  }

  it("shorten what is too long for a message, but not the key of a label", () => {
    const long = "k".repeat(5_000)
    assert.isBelow(new Errors.KeyTaken({ key: Key.make(long), kind: "active" }).message.length, 500)
    assert.include(new Errors.KeyTaken({ key: Key.make(long), kind: "active" }).message, "5002 characters")
    assert.include(new Errors.InvalidLabels({ label: long, reason: "too long" }).message, long)
  })
})
