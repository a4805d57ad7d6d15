/**
 * A mount namespace without any test's mounts, for processes of tests that have one of their own.
 *
 * A clone of this process's namespace would have a copy of all that is mounted at that moment, that of other tests too,
 * and keep it alive: after its real unmounting the kernel would go on telling that an overlay's upper is in use, and a
 * `mount` or `commit` of that snapshot, in quite another test, would be refused, rightly. So one process, begun before
 * any test mounts anything, holds a clean namespace, and whoever is to have one of its own enters that one first.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"

/** Where the namespace is, for all tests and what they spawn; absent where nobody may make one. */
const variable = "SNAPSHOTTER_PRISTINE"

/**
 * Words before a command, which then begins in that namespace and in this directory: to be followed by those that clone
 * it. None where there is no such namespace: without root, a clone is made by a user namespace of its own anyway.
 */
export const fromPristine = (directory: string = process.cwd()): ReadonlyArray<string> => {
  const namespace = process.env[variable]
  return namespace === undefined ? [] : ["nsenter", `--mount=${namespace}`, "env", "-C", directory]
}

/** Whatever was mounted for tests by others, at this moment: another run, or one that was killed. */
const forget = `
  tac /proc/self/mountinfo | cut -d " " -f 5 | grep /snapshotter- | sed 's/\\\\/\\\\0/g' | while read -r target; do
    umount --lazy --no-mtab -- "$(printf %b "$target")"
  done
`

/** Holds the namespace until the returned function is called, or this process is no more: its input ends then. */
export const holdPristine = async (): Promise<() => Promise<void>> => {
  if (process.getuid?.() !== 0) return async () => {}
  const words = ["--mount", "--propagation", "private", "sh", "-c", `${forget}\necho ready; exec cat`]
  const holder = spawn("unshare", words, { stdio: ["pipe", "pipe", "ignore"] })
  const ended = once(holder, "close")
  const ready = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false, () => false)])
  if (!ready) return async () => {}
  const namespace = `/proc/${holder.pid}/ns/mnt`
  if (fs.readlinkSync(namespace) === fs.readlinkSync("/proc/self/ns/mnt")) {
    throw new Error("unshare has unshared nothing")
  }
  process.env[variable] = namespace
  return async () => {
    delete process.env[variable]
    holder.stdin.end()
    await ended
  }
}
