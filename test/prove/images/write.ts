/** What programs do in a mounted snapshot: some of everything, told before it is done. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Random } from "../../random.ts"

const lengths = [0, 1, 100, 5_000, 70_000, 300_000] as const
const stepsMax = 8

export const writeSome = (directory: string, random: Random, before: (what: string) => void): void => {
  for (let left = 1 + random.below(stepsMax); left > 0; left--) writeOne(directory, random, before)
}

const writeOne = (directory: string, random: Random, before: (what: string) => void): void => {
  const name = `d${random.below(3)}/${random.pick(["a", "b", "c"]) ?? "a"}`
  const at = path.join(directory, name)
  const doing = (what: string, act: () => void) => {
    before(`${what} ${name}`)
    act()
  }
  const stat = fs.lstatSync(at, { throwIfNoEntry: false })
  if (!fs.existsSync(path.dirname(at))) doing("mkdir above", () => fs.mkdirSync(path.dirname(at)))
  const choice = random.below(10)
  if (choice < 5) {
    const text = `${random.below(2 ** 30)}\n`.repeat(random.pick(lengths) ?? 1).slice(0, random.pick(lengths) ?? 1)
    return doing("write", () => {
      if (stat?.isDirectory() === true || stat?.isSymbolicLink() === true) fs.rmSync(at, { recursive: true })
      fs.writeFileSync(at, text)
    })
  }
  if (choice < 6) return doing("append", () => stat?.isFile() === true && fs.appendFileSync(at, "more"))
  if (choice < 7) {
    return doing("symlink", () => {
      fs.rmSync(at, { recursive: true, force: true })
      fs.symlinkSync(`../nowhere/${random.below(100)}`, at)
    })
  }
  if (choice < 8) return doing("remove the directory of", () => fs.rmSync(path.dirname(at), { recursive: true }))
  if (choice < 9) return doing("chmod", () => stat?.isFile() === true && fs.chmodSync(at, 0o640))
  return doing("rename", () => {
    if (stat?.isFile() === true) fs.renameSync(at, path.join(directory, "renamed"))
  })
}
