/** Layers as a store has them, made straight on the disk, and the mounts that show them. */
import { idFromNumber } from "@snapshotter/core/IdSource"
import { type Mounts, mountsOf } from "@snapshotter/core/Mount"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"

/** Ids are never used twice on a machine: what others have mounted at the same time has others. */
const ids = BigInt(`0x${randomBytes(6).toString("hex")}`) << 16n

/** The id of a layer of that number. */
export const idOf = (number: number): string => idFromNumber(ids + BigInt(number))

/** Makes `ROOT/<id>/fs` with a file of its own, `ROOT/<id>/work`, and gives the first. */
export const makeLayer = (root: string, number: number): string => {
  const holder = `${root}/${idOf(number)}`
  for (const name of ["fs", "work"]) fs.mkdirSync(`${holder}/${name}`, { recursive: true })
  fs.writeFileSync(`${holder}/fs/file${number}`, `${number}`)
  return `${holder}/fs`
}

/** So many, the nearest first. */
export const makeLayers = (root: string, count: number): Array<string> =>
  Array.from({ length: count }, (_, i) => makeLayer(root, i + 1))

export const makeTarget = (root: string, name = "target"): string => {
  fs.mkdirSync(`${root}/${name}`)
  return `${root}/${name}`
}

const workOf = (layer: string) => layer.replace(/fs$/, "work")

export const writable = (layer: string, parents: ReadonlyArray<string>, options: ReadonlyArray<string> = []): Mounts =>
  mountsOf({ writable: true, layer, work: workOf(layer), parents }, options)

export const readOnly = (parents: ReadonlyArray<string>, options: ReadonlyArray<string> = []): Mounts =>
  mountsOf({ writable: false, layer: "/nowhere", work: "/nowhere", parents }, options)
