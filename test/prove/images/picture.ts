/** What a directory shows, read past the store. */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Picture } from "./ledger.ts"

/** Everything below a directory, in order; symlinks are not followed. */
export const namesBelow = (directory: string): ReadonlyArray<string> =>
  fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const inside = entry.isDirectory() ? namesBelow(path.join(directory, entry.name)) : []
    return [entry.name, ...inside.map((name) => `${entry.name}/${name}`)]
  }).sort()

/** Each name with all that a program can tell of it, byte for byte. */
export const pictureOf = (directory: string): Picture =>
  ["", ...namesBelow(directory)].map((relative) => {
    const at = path.join(directory, relative)
    const stat = fs.lstatSync(at, { bigint: true })
    const { gid, mode, mtimeNs, nlink, uid } = stat
    const links = stat.isDirectory() ? "" : ` ${nlink} links`
    return `${relative} ${mode.toString(8)} ${uid}:${gid} ${mtimeNs}${links} ${holds(at, stat)}`
  })

const holds = (at: string, stat: fs.BigIntStats): string => {
  if (stat.isFile()) return `${stat.size} ${createHash("sha256").update(fs.readFileSync(at)).digest("hex")}`
  if (stat.isSymbolicLink()) return fs.readlinkSync(at)
  return stat.isDirectory() ? "/" : `${stat.rdev}`
}

/** Two pictures' lines that differ. */
export const differences = (found: Picture, expected: Picture): string =>
  [
    ...found.filter((line) => !expected.includes(line)).map((line) => `  found    ${line}`),
    ...expected.filter((line) => !found.includes(line)).map((line) => `  expected ${line}`)
  ].join("\n")

/** Equal for disks that show the same store, whenever it was made and whatever its ids are. */
export const storeDigest = (root: string): string => {
  const ids = new Map<string, string>()
  const plain = (text: string): string =>
    text.replace(/[a-z2-7]{13}/g, (id) => {
      if (!ids.has(id)) ids.set(id, `s${ids.size + 1}`)
      return ids.get(id) ?? ""
    })
  const hash = createHash("sha256")
  // Before the first one is made, there is none.
  if (!fs.existsSync(root)) return hash.digest("hex")
  for (const relative of namesBelow(root)) {
    const at = path.join(root, relative)
    const stat = fs.lstatSync(at, { bigint: true })
    const text = stat.isFile() && relative.endsWith(".json")
      ? fs.readFileSync(at, "latin1").replace(/\d{16,}/g, "time")
      : holds(at, stat)
    hash.update(JSON.stringify([plain(relative), `${stat.mode}`, plain(text)]))
  }
  return hash.digest("hex")
}
