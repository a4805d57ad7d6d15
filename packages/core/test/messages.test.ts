/** The words of failures, where they depend on what is so: P6 promises that they say what is wrong, and what to do. */
import { assert, describe, it } from "@effect/vitest"
import { AlreadyMounted } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import * as Errors from "@snapshotter/core/SnapshotterError"
import { Schema } from "effect"

const snapshot = Key.make("it")

/** Failures, each with all that it says. */
const words: ReadonlyArray<readonly [{ readonly message: string }, string]> = [
  [
    new Errors.ParentNotCommitted({ parent: Name.make("it"), kind: "active" }),
    "\"it\" is active, and only what is committed can be a parent; commit it first"
  ],
  [
    new Errors.ParentNotCommitted({ parent: Name.make("it"), kind: "view" }),
    "\"it\" is a view, and only what is committed can be a parent; give the committed snapshot that the view shows"
  ],
  [
    new Errors.NotActive({ key: snapshot, kind: "view" }),
    "\"it\" is a view, which is read-only; only an active snapshot, made by prepare, can be committed"
  ],
  [
    new Errors.NotActive({ key: snapshot, kind: "committed" }),
    "\"it\" is committed already; only an active snapshot, made by prepare, can be committed"
  ],
  [
    new Errors.HasChildren({ snapshot, children: [Key.make("one"), Key.make("two")], count: 2 }),
    "cannot remove \"it\": it has children, \"one\", \"two\"; remove them first"
  ],
  [
    new Errors.HasChildren({ snapshot, children: [Key.make("one"), Key.make("two")], count: 5 }),
    "cannot remove \"it\": it has children, \"one\", \"two\" and 3 more; remove them first"
  ],
  [
    new Errors.Busy({ operation: "remove", snapshot, mountPoints: ["/a", "/b"] }),
    "cannot remove \"it\": it is mounted at \"/a\", \"/b\"; unmount it first"
  ],
  [
    new Errors.Busy({ operation: "commit", snapshot, mountPoints: [] }),
    "cannot commit \"it\": it is mounted in another mount namespace (who made one while it was mounted keeps a copy), or " +
    "it is being mounted, or was detached while somebody used it; wait for that, or end it"
  ],
  [
    new AlreadyMounted({ layer: "/layer", target: undefined }),
    "\"/layer\" is mounted writable already, in another mount namespace, or detached while somebody used it; end that first"
  ],
  [
    new AlreadyMounted({ layer: "/layer", target: "/target" }),
    "\"/layer\" is mounted writable already, at \"/target\"; unmount it there first"
  ],
  [
    new Errors.XattrsMismatch({ root: "/store", recorded: "trusted", available: "user" }),
    "\"/store\" keeps overlay's marks in trusted.* attributes, and it was to be opened with user.*, where removed names " +
    "would come back; open it as root"
  ],
  [
    new Errors.XattrsMismatch({ root: "/store", recorded: "user", available: "trusted" }),
    "\"/store\" keeps overlay's marks in user.* attributes, and it was to be opened with trusted.*, where removed names " +
    "would come back; leave overlayXattrs out, or set it to user"
  ]
]

describe("a failure says", () => {
  for (const [failure, message] of words) {
    it(message, () => assert.strictEqual(failure.message, message))
  }

  it("what to do about the machine, where that is known", () => {
    const remedies = {
      EACCES: "; check who owns the store",
      EPERM: "; check who owns the store",
      EDQUOT: "; make room, then try again",
      EMFILE: "; close files or raise the limit (ulimit -n), then try again",
      ENOSPC: "; make room, then try again",
      EIO: ""
    }
    for (const [code, remedy] of Object.entries(remedies)) {
      const failure = new Errors.StoreFailure({ operation: "prepare", path: "/store/x", code, call: "symlink" })
      assert.strictEqual(failure.message, `cannot prepare: symlink "/store/x" failed with ${code}${remedy}`)
    }
  })

  it("a name whole if it has at most 200 characters with its quotes, and else how many they are", () => {
    const named = (length: number) =>
      new Errors.SnapshotNotFound({ snapshot: Key.make("k".repeat(length - 2)) }).message
    assert.strictEqual(
      named(200),
      `no snapshot is called "${"k".repeat(198)}"; walk shows those that there are`
    )
    assert.strictEqual(
      named(201),
      `no snapshot is called "${"k".repeat(199)}… (201 characters); walk shows those that there are`
    )
  })
})

it("a failure keeps to its fields: what it cannot say is no such failure", () => {
  const take = (of: Schema.Codec<unknown>, fields: object) => Schema.decodeUnknownExit(of)(fields)._tag
  const busy = { _tag: "Busy", operation: "commit", snapshot: "it", mountPoints: [] }
  assert.strictEqual(take(Errors.Busy, busy), "Success")
  assert.strictEqual(take(Errors.Busy, { ...busy, operation: "" }), "Failure")
})
