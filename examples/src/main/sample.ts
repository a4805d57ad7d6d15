/** A few hundred small files of a directory, as much as a program in memory wants to be shown with. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Unreadable } from "./inventory.ts"

/** Contents by relative path. */
export type Sample = ReadonlyMap<string, Uint8Array>

const filesMax = 300
const bytesMax = 65_536

export const sampleOf = (directory: string): Effect.Effect<Sample, Unreadable> =>
  Effect.tryPromise({ try: () => read(directory), catch: (cause) => new Unreadable({ cause }) })

const read = async (directory: string): Promise<Sample> => {
  const sample = new Map<string, Uint8Array>()
  for await (const entry of await fs.opendir(directory, { recursive: true })) {
    if (sample.size === filesMax) break
    const file = path.join(entry.parentPath, entry.name)
    // Names that are not UTF-8 cannot be told to a file system that takes text.
    if (!entry.isFile() || file.includes("\uFFFD") || (await fs.stat(file)).size > bytesMax) continue
    sample.set(path.relative(directory, file), await fs.readFile(file))
  }
  return sample
}
