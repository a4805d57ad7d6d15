/**
 * Commands as data: what a random program does to a store, and inside what it has mounted. `Model.step` says what must
 * come of one, `World.run` does it, and both speak of it as a `Response`.
 *
 * Names come from pools so small that commands collide all the time.
 */
import type { LabelUpdate } from "../Snapshotter.ts"

/** Keys, names and parents: one pool, since they share one namespace. */
export const identifiers = ["a", "b", "c", "d", "e", "f", "g"] as const

/** Where things can be mounted. */
export const slots = [0, 1, 2] as const
export type Slot = (typeof slots)[number]

/** Paths inside a mounted snapshot: what is meant to be a file, and what may come to be anything. */
export const files = ["f", "g", "d/f", "d/g", "e/f"] as const
export const paths = [...files, "d", "e", "d/e"] as const

/** Where every symlink leads. */
export const nowhere = "nowhere/at all"

/** Most layers below a snapshot in a model run: few, so that the limit is met. */
export const layersMax = 2

export type Command =
  | {
    readonly _tag: "prepare" | "view"
    readonly key: string
    readonly parent?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  | {
    readonly _tag: "commit"
    readonly name: string
    readonly key: string
    readonly labels?: Readonly<Record<string, string>>
  }
  | { readonly _tag: "mounts" | "remove" | "stat" | "usage"; readonly name: string }
  | { readonly _tag: "update"; readonly name: string; readonly change: LabelUpdate }
  | { readonly _tag: "walk"; readonly filters: ReadonlyArray<string> }
  | { readonly _tag: "cleanup" | "check" | "relink" | "reopen" }
  | { readonly _tag: "mount"; readonly slot: Slot; readonly key: string }
  | { readonly _tag: "unmount"; readonly slot: Slot }
  | Change

/** What is done inside a mounted snapshot, by the names of `FileSystem`; `write` makes a directory that is missing. */
export type Change =
  | { readonly _tag: "write" | "append"; readonly slot: Slot; readonly path: string; readonly text: string }
  | { readonly _tag: "delete" | "makeDirectory" | "symlink"; readonly slot: Slot; readonly path: string }
  | { readonly _tag: "chmod"; readonly slot: Slot; readonly path: string; readonly mode: number }
  | { readonly _tag: "link" | "rename"; readonly slot: Slot; readonly from: string; readonly to: string }

export const isChange = (command: Command): command is Change =>
  "slot" in command && command._tag !== "mount" && command._tag !== "unmount"

/** What came of a command: a value that model and world can both know, or the tag of the failure and whom it names. */
export type Response =
  | { readonly _tag: "Success"; readonly value: unknown }
  | { readonly _tag: "Failure"; readonly failure: string; readonly about: string | undefined }

/** How a command and its outcome are counted: `prepare: KeyTaken`. */
export const labelOf = (command: Command, response: Response): string =>
  `${command._tag}: ${response._tag === "Success" ? "success" : response.failure}`

/** For reading, not for parsing: `prepare b {"parent":"a"}`. */
export const render = ({ _tag, ...rest }: Command): string => {
  const { key, name, slot, ...more } = rest as Readonly<Record<string, unknown>>
  const subjects = [name, key, slot].filter((subject) => subject !== undefined).map((subject) =>
    JSON.stringify(subject)
  )
  return [_tag, ...subjects, ...(Object.keys(more).length === 0 ? [] : [JSON.stringify(more)])].join(" ")
}
