/**
 * Programs in one file, with all that they import: for whoever starts hundreds of processes. Most of what a small program
 * costs is the loading of its modules: so it starts in 60 ms of a processor instead of 300.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** What a bundle cannot hold, since it comes as machine code, is found from here. */
const modules = fileURLToPath(new URL("../packages/node-fs/node_modules", import.meta.url))

/** Bundles a program into a directory, which is to have nothing else, and gives the file to run. */
export const bundle = async (program: string, directory: string): Promise<string> => {
  fs.mkdirSync(directory, { recursive: true })
  fs.symlinkSync(modules, path.join(directory, "node_modules"))
  const build = await rolldown({
    input: program,
    platform: "node",
    external: ["koffi"],
    resolve: { conditionNames: ["node", "import"] },
    logLevel: "silent"
  })
  const { output: [{ fileName }] } = await build.write({ dir: directory, format: "esm", entryFileNames: "[name].mjs" })
  await build.close()
  return path.join(directory, fileName)
}

/** With this in its environment a bundled program is compiled once for all processes that run it. */
export const compiledBeside = (program: string): Record<string, string> => ({
  NODE_COMPILE_CACHE: path.join(path.dirname(program), "compiled")
})
