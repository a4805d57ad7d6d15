/** A directory of the bench's own on the workspace's disk. Whatever is mounted or attached in it goes with it. */
import { Effect, type Scope } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

const workspace = path.dirname(path.dirname(import.meta.dirname))
const cache = path.join(workspace, "node_modules", ".cache")
const prefix = "snapshotter-bench-"

/** Until the scope closes. What a bench that was killed left behind is taken away first. */
export const scratch: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    fs.mkdirSync(cache, { recursive: true })
    for (const name of fs.readdirSync(cache)) {
      const owner = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : undefined
      if (owner !== undefined && !isAlive(owner)) clear(path.join(fs.realpathSync(cache), name))
    }
    const directory = path.join(fs.realpathSync(cache), `${prefix}${process.pid}`)
    fs.mkdirSync(directory, { mode: 0o700 })
    return directory
  }),
  (directory) => Effect.sync(() => clear(directory))
)

const isAlive = (pid: number): boolean => pid === process.pid || fs.existsSync(`/proc/${pid}`)

const clear = (directory: string): void => {
  for (const target of mountedBelow(directory).reverse()) {
    if (spawnSync("umount", [target], { stdio: "ignore" }).status !== 0) spawnSync("umount", ["--lazy", target])
  }
  for (const device of devicesOf(directory)) spawnSync("losetup", ["--detach", device])
  execFileSync("rm", ["-rf", "--one-file-system", directory])
}

/** Oldest first. The bench's own directories have no characters that mountinfo would guard. */
const mountedBelow = (directory: string): Array<string> =>
  fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${directory}/`))

const devicesOf = (directory: string): ReadonlyArray<string> => {
  const listed = spawnSync("losetup", ["--list", "--noheadings", "--output", "NAME,BACK-FILE"], { encoding: "utf8" })
  return (listed.stdout ?? "").split("\n").map((line) => line.trim().split(/\s+/))
    .flatMap(([device, file]) => device !== undefined && file?.startsWith(`${directory}/`) === true ? [device] : [])
}
