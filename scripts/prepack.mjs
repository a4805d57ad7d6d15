// Run by pnpm in a package that is about to be packed: builds it from what is there now, and lays the files beside it
// that every package carries and the workspace keeps once.
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

const root = path.dirname(import.meta.dirname)

/** Files of a directory and all below it, relative to it. @param {string} directory */
const filesOf = (directory) =>
  fs.existsSync(directory)
    ? fs.readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    : []

// tsc leaves what it once built from a module that is gone now, and it would be packed.
const sources = new Set(filesOf("src").map((file) => file.replace(/\.ts$/, "")))
for (const file of filesOf("dist")) {
  const module = file.replace(/\.(?:js|d\.ts)(?:\.map)?$/, "")
  if (module !== file && !sources.has(module)) fs.rmSync(path.join("dist", file))
}

execFileSync(path.join(root, "node_modules", ".bin", "tsc"), ["-b"], { stdio: "inherit" })

for (const file of ["LICENSE", "CHANGELOG.md"]) fs.copyFileSync(path.join(root, file), file)
