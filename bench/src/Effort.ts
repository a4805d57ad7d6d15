/** How much is measured: all that the document needs, or what fits into two minutes. */

export interface Effort {
  /** Pairs of measurements of one operation, at most. */
  readonly samples: number
  /** When to stop before that, in milliseconds of the clock, what is arranged between included. */
  readonly milliseconds: number
  /** Pairs that are not counted, so that what is compared has been compiled. */
  readonly warmUp: number
  readonly snapshots: ReadonlyArray<number>
  readonly depths: ReadonlyArray<number>
  readonly liveMounts: ReadonlyArray<number>
  readonly fibers: ReadonlyArray<number>
  /** Commits for each number of fibers. */
  readonly commits: number
  readonly layerFiles: ReadonlyArray<number>
  readonly baseFiles: ReadonlyArray<number>
  /** Rounds of what takes long. */
  readonly rounds: number
  /** Whether the number of snapshots and the depth are varied on every disk, or on the first alone. */
  readonly sizesEverywhere: boolean
  /** How far a walk goes whose memory is looked at. */
  readonly walked: number
  /** After so many seconds nothing more is begun, whatever the machine is busy with. */
  readonly secondsMax: number
}

export const thorough: Effort = {
  samples: 200,
  milliseconds: 1_200,
  warmUp: 100,
  snapshots: [10, 1_000, 10_000],
  depths: [1, 10, 100],
  liveMounts: [1, 20, 200],
  fibers: [1, 4, 16, 64],
  commits: 512,
  layerFiles: [1_000, 14_000],
  baseFiles: [1_000, 10_000, 100_000],
  rounds: 5,
  sizesEverywhere: true,
  walked: 10_000,
  secondsMax: Number.POSITIVE_INFINITY
}

export const quick: Effort = {
  samples: 100,
  milliseconds: 150,
  warmUp: 50,
  snapshots: [10, 1_000],
  depths: [1, 100],
  liveMounts: [1, 200],
  fibers: [1, 16],
  commits: 128,
  layerFiles: [1_000],
  baseFiles: [1_000, 10_000],
  rounds: 3,
  sizesEverywhere: false,
  walked: 2_000,
  secondsMax: 100
}
