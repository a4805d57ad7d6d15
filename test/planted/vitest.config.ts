/** Runs tests of the workspace on copies of its packages, of which one has a defect: SNAPSHOTTER_PLANTED says where. */
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { defineConfig, type Plugin } from "vitest/config"

const workspace = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const copies = process.env["SNAPSHOTTER_PLANTED"] ?? workspace

/** Whatever is imported of a package's sources, and by whatever name, is the copy's. */
const planted: Plugin = {
  name: "planted",
  enforce: "pre",
  async resolveId(source, importer, options) {
    const found = await this.resolve(source, importer, { ...options, skipSelf: true })
    const inside = found === null ? "" : path.relative(path.join(workspace, "packages"), found.id)
    return /^[\w-]+\/src\//.test(inside) ? path.join(copies, "packages", inside) : found
  }
}

export default defineConfig({
  root: workspace,
  plugins: [planted],
  test: {
    // What is kept there of a test leads to the copy that it was last run on.
    fsModuleCache: false,
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 60_000,
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/planted/**"]
  }
})
