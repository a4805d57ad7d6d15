/** A copy of core with the mutants in it, beside which everything else is as it is. */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { instrument, type Instrumented } from "./instrument.ts"

export const workspace = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
export const core = path.join(workspace, "packages/core")
const source = path.join(core, "src")

/** What core is made of, and not the suites in `testing`, which judge it. */
export const sources = (): ReadonlyMap<string, string> => {
  const files = fs.readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith(`testing${path.sep}`))
  return new Map(files.toSorted().map((file) => [file, fs.readFileSync(path.join(source, file), "utf8")]))
}

/** Writes the copy into `directory`, with the mutants of these files. */
export const makeCopy = async (
  directory: string,
  mutated: ReadonlyMap<string, string>
): Promise<Instrumented["mutants"]> => {
  fs.cpSync(source, path.join(directory, "src"), { recursive: true })
  fs.copyFileSync(path.join(core, "package.json"), path.join(directory, "package.json"))
  fs.symlinkSync(path.join(core, "node_modules"), path.join(directory, "node_modules"))
  const { files, mutants } = await instrument(mutated)
  for (const [file, text] of files) fs.writeFileSync(path.join(directory, "src", file), text)
  return mutants
}
