/** Where this process's imports lead instead: core to its copy with the mutants in it, `vitest` to what puts tests down. */
import * as module from "node:module"
import { pathToFileURL } from "node:url"

const urlOf = (directory: string): string => `${pathToFileURL(directory)}/`

/** What is imported from now on, by whatever name. `core` is its package's directory, `copy` that of the copy. */
export const redirect = (core: string, copy: string): void => {
  const [from, to] = [`${urlOf(core)}src/`, `${urlOf(copy)}src/`]
  const shim = new URL("./vitest.ts", import.meta.url).href
  module.registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "vitest" && context.parentURL !== shim) return { url: shim, shortCircuit: true }
      const resolved = next(specifier, context)
      return resolved.url.startsWith(from) ? { ...resolved, url: to + resolved.url.slice(from.length) } : resolved
    }
  })
}
