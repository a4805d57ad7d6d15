/** Runs tests of the workspace on a copy of core, which has a defect: SNAPSHOTTER_PLANTED_CORE says where. */
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const workspace = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const core = process.env["SNAPSHOTTER_PLANTED_CORE"] ?? path.join(workspace, "packages/core")

export default defineConfig({
  root: workspace,
  resolve: {
    alias: [
      { find: /^@snapshotter\/core$/, replacement: `${core}/src/index.ts` },
      { find: /^@snapshotter\/core\/(.*)$/, replacement: `${core}/src/$1.ts` },
      // Tests of core itself import it by path.
      { find: /^.*\/packages\/core\/src\/(.*)$/, replacement: `${core}/src/$1` },
      { find: /^\.\.\/src\/internal\/turns\.ts$/, replacement: `${core}/src/internal/turns.ts` }
    ]
  },
  test: {
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 60_000,
    include: ["packages/*/test/**/*.test.ts"]
  }
})
