/** The loop of failures on real mounts: each machine is a directory. Its processes are this one, so none can be made to die. */
import { NodeFileSystem } from "@effect/platform-node"
import { idFromNumber, IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import type * as Faults from "@snapshotter/memory-fs/Faults"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Context, Effect, FileSystem, Layer, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { MNT_DETACH, syscalls, UMOUNT_NOFOLLOW } from "../../../packages/node-fs/src/internal/syscalls.ts"
import { through } from "./files.ts"
import type { Lying, Picture } from "./picture.ts"
import { type Machine, type Site, storeIn } from "./Site.ts"

/** Machines below this directory; what lies on its file system is what is struck. */
export const nodeIn = (parent: string): Machine => ({
  name: `node-fs in ${parent}`,
  dies: false,
  steps: false,
  make: Effect.map(freshIn(parent), (directory) => siteIn(parent, directory, 0n))
})

/** Taken away when the scope closes, with what is mounted there; thousands of them are made, so no programs are started. */
const freshIn = (parent: string) =>
  Effect.acquireRelease(
    Effect.sync(() => place(fs.realpathSync(fs.mkdtempSync(path.join(parent, "snapshotter-failing-"))))),
    (directory) =>
      Effect.sync(() => {
        for (const target of mountPointsIn(directory).toReversed()) {
          syscalls().umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)
        }
        const left = mountPointsIn(directory)
        if (left.length > 0) throw new Error(`these mounts could not be undone: ${left.join(" ")}`)
        fs.rmSync(directory, { recursive: true })
      })
  )

/** Places to mount on, and one for temporary directories, so that it can be told whose those are. */
const place = (directory: string): string => {
  for (const name of ["target-0", "target-look", "temporary"]) fs.mkdirSync(path.join(directory, name))
  return directory
}

/** `ids` are how many were given out. */
const siteIn = (parent: string, directory: string, ids: bigint): Site => {
  let given = ids
  const site: Site = {
    directory,
    process: (_name, faults) =>
      Effect.gen(function*() {
        const ports = Layer.mergeAll(NodeStoreFileSystem.layer, NodeMounter.layer, NodeFileSystem.layer)
        const built = yield* Layer.build(Layer.fresh(ports))
        return Context.empty().pipe(
          Context.add(StoreFileSystem, faults.storeFileSystem(Context.get(built, StoreFileSystem))),
          Context.add(Mounter, faults.mounter(Context.get(built, Mounter))),
          Context.add(IdSource, { next: Effect.sync(() => idFromNumber(scattered(++given))) }),
          Context.add(FileSystem.FileSystem, within(directory, faults, Context.get(built, FileSystem.FileSystem)))
        )
      }),
    kill: () => Effect.void,
    picture: () => pictureIn(storeIn(site)),
    held: () => heldIn(directory),
    copy: () => copyOf(parent, storeIn(site), given),
    frozen: () => {
      const picture = site.picture()
      return { ...site, picture: () => picture }
    }
  }
  return site
}

/** Ids that look like those of a real source, and are the same in every run: an odd factor makes none twice. */
const scattered = (number: bigint): bigint => BigInt.asUintN(65, number * 0x1_9e37_79b9_7f4a_7c15n)

const within = (directory: string, faults: Faults.Faults, files: FileSystem.FileSystem): FileSystem.FileSystem =>
  through(faults, {
    ...files,
    makeTempDirectory: (options) =>
      files.makeTempDirectory({ ...options, directory: path.join(directory, "temporary") })
  })

const copyOf = (parent: string, store: string, ids: bigint): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.map(freshIn(parent), (directory) => {
    if (fs.existsSync(store)) execFileSync("cp", ["-a", store, directory])
    return siteIn(parent, directory, ids)
  })

// ============================================================ what lies there

const pictureIn = (store: string): Picture => {
  const picture = new Map<string, Lying>()
  if (fs.existsSync(store)) describe(store, ".", picture)
  return picture
}

const describe = (at: string, name: string, picture: Map<string, Lying>): void => {
  const stat = fs.lstatSync(at)
  picture.set(name, {
    type: typeOf(stat),
    mode: stat.mode & 0o7777,
    owner: `${stat.uid}:${stat.gid}`,
    content: stat.isSymbolicLink()
      ? fs.readlinkSync(at)
      : stat.isFile()
      ? fs.readFileSync(at, "utf8")
      : stat.isDirectory()
      ? ""
      : `${stat.rdev}`,
    // Nothing that is struck changes any but those of a new layer's root, which are its parent's.
    xattrs: ""
  })
  if (!stat.isDirectory()) return
  for (const entry of fs.readdirSync(at)) {
    describe(path.join(at, entry), name === "." ? entry : `${name}/${entry}`, picture)
  }
}

/** As memory-fs calls them. */
const typeOf = (stat: fs.Stats): string => {
  if (stat.isFile()) return "file"
  if (stat.isDirectory()) return "directory"
  return stat.isSymbolicLink() ? "symlink" : "characterDevice"
}

// ============================================================ what is held

const heldIn = (directory: string): ReadonlyArray<string> => [
  ...locksIn(directory),
  ...descriptorsIn(directory),
  ...mountPointsIn(directory).map((target) => `mount on ${target.slice(directory.length)}`),
  ...fs.readdirSync(path.join(directory, "temporary")).map(() => "temporary directory")
]

/** Their names here have nothing that mountinfo would escape. */
const mountPointsIn = (directory: string): ReadonlyArray<string> =>
  fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${directory}/`))

/** Open files of this process, by what they are open on. */
const descriptorsIn = (directory: string): ReadonlyArray<string> =>
  fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    const target = linkOf(`/proc/self/fd/${fd}`)
    return target?.startsWith(directory) === true ? [`open file ${target.slice(directory.length)}`] : []
  })

/** The descriptor by which the list is read is closed by then. */
const linkOf = (link: string): string | undefined => {
  try {
    return fs.readlinkSync(link)
  } catch {
    return undefined
  }
}

/** The kernel tells locks by inode: of directories of this store, whichever they are. */
const locksIn = (directory: string): ReadonlyArray<string> => {
  const inodes = fs.readFileSync("/proc/locks", "utf8").split("\n")
    .filter((line) => line.includes("FLOCK") && line.includes(` ${process.pid} `))
    .map((line) => /:(\d+) \d+ \w+$/.exec(line)?.[1])
  if (inodes.length === 0) return []
  const all = fs.readdirSync(directory, { recursive: true, encoding: "utf8" })
  return all.filter((name) => inodes.includes(`${fs.lstatSync(path.join(directory, name)).ino}`))
    .map((name) => `lock of /${name}`)
}
