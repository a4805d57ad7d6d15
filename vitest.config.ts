import { defineConfig } from "vitest/config"

const pack = "test/Pack.test.ts"

export default defineConfig({
  test: {
    // Processes, not threads: system calls, signals and the working directory belong to a process.
    pool: "forks",
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    allowOnly: false,
    globalSetup: ["test/leftovers.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "examples/test/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["**/node_modules/**", pack]
        }
      },
      { extends: true, test: { name: "pack", include: [pack] } }
    ]
  }
})
