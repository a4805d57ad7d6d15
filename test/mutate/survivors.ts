/** The list of mutants that no test has to notice, `docs/MUTANTS.md`, each under the reason why. */
import * as fs from "node:fs"
import * as path from "node:path"
import { workspace } from "./copy.ts"
import { isDetected, type Judged, type Mutant } from "./Mutant.ts"

const fence = "```"

/**
 * Reads the list: each block of code in the language `mutants` holds names of mutants, one a line, and the text right above
 * it is their reason. Fails where there is none.
 */
export const parseSurvivors = (text: string): ReadonlyMap<string, string> => {
  const reasons = new Map<string, string>()
  for (const [, before = "", names = ""] of text.matchAll(/([^]*?)```mutants\n([^]*?)```/g)) {
    const reason = before.trim().split("\n\n").at(-1)?.trim() ?? ""
    for (const name of names.split("\n").filter((line) => line !== "")) {
      if (reason === "" || reason.startsWith("#") || reason.endsWith(fence)) {
        throw new Error(`no reason stands above ${name}`)
      }
      if (reasons.has(name)) throw new Error(`it is listed twice: ${name}`)
      reasons.set(name, reason)
    }
  }
  return reasons
}

export const readSurvivors = (): ReadonlyMap<string, string> =>
  parseSurvivors(fs.readFileSync(path.join(workspace, "docs/MUTANTS.md"), "utf8"))

/** What is wrong with the list. */
export interface Differences {
  /** They survive, and are not listed. */
  readonly unlisted: ReadonlyArray<Mutant>
  /** They are listed, and a test notices them. */
  readonly detected: ReadonlyArray<Mutant>
  /** They are listed, and there are no such mutants any more. */
  readonly gone: ReadonlyArray<string>
}

/** `isConcerned`: whether a listed name lies in what was mutated. */
export const compare = (
  listed: ReadonlyMap<string, string>,
  judged: ReadonlyArray<Judged>,
  isConcerned: (name: string) => boolean
): Differences => {
  const names = new Set(judged.map(({ mutant }) => mutant.name))
  return {
    unlisted: judged.filter((one) => !isDetected(one) && !listed.has(one.mutant.name)).map(({ mutant }) => mutant),
    detected: judged.filter((one) => isDetected(one) && listed.has(one.mutant.name)).map(({ mutant }) => mutant),
    gone: [...listed.keys()].filter((name) => isConcerned(name) && !names.has(name))
  }
}
