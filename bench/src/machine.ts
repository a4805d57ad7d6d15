/** What the figures were measured on. */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly kernel: string
  readonly node: string
  readonly disks: ReadonlyArray<string>
  readonly date: string
  /** One minute's load average as the bench began: what else was going on. */
  readonly load: number
}

/** `disks` as they are to be described. */
export const describeMachine = (disks: ReadonlyArray<string>): Effect.Effect<Machine> =>
  Effect.sync(() => ({
    processor: os.cpus()[0]?.model ?? "unknown",
    cores: os.cpus().length,
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}${fs.existsSync("/.dockerenv") ? " (container)" : ""}`,
    node: process.version,
    disks,
    date: new Date().toISOString().slice(0, 10),
    load: os.loadavg()[0] ?? Number.NaN
  }))

export const machineText = ({ cores, date, disks, kernel, load, memoryGigabytes, node, processor }: Machine): string =>
  `${date}: ${processor}, ${cores} cores, ${memoryGigabytes} GB; ${kernel}; Node ${node}; ` +
  `disks: ${disks.join("; ")}; load as it began: ${load.toFixed(1)}`
