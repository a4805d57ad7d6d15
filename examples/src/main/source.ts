/** The directory that becomes a base. It lies on the real machine, whatever the rest is done on. */
import { NodeTreeFileSystem } from "@snapshotter/node-fs"
import { Effect } from "effect"
import { withProgress } from "../progress.ts"
import * as Inventory from "./inventory.ts"
import * as Show from "./show.ts"

/** What is to be read, and how. */
export interface Wanted {
  readonly directory: string
  /** Whether files keep their owners. */
  readonly owners: boolean
  readonly limits?: Inventory.Limits | undefined
}

export interface Source extends Wanted {
  readonly inventory: Inventory.Inventory
}

export const sourceOf = (wanted: Wanted, what = "reading the input") =>
  inventoryOf(wanted, what).pipe(
    Effect.provide(NodeTreeFileSystem.layer),
    Effect.map((inventory): Source => ({ ...wanted, inventory }))
  )

/** Of a directory of whatever machine this is given; says how far it is. */
export const inventoryOf = ({ directory, limits, owners }: Wanted, what: string) => {
  let names = 0
  const onName = () => {
    names++
  }
  const taking = Inventory.take(directory, { owners, limits, onName })
  return withProgress(what, taking, () => `${Show.number(names)} names`)
}
