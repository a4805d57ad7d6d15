/**
 * P3 on the real machine: `kill -9` at each system call of each operation. For each name of a call n goes up until a run
 * in which no kill came, before the call and, where it leaves something behind, after it.
 */
import { Effect } from "effect"
import { type Random, randomFrom } from "../../../../test/random.ts"
import { type Executioner, type Fate, makeExecutioner, parse, type Scene, scenes, textOf } from "./execution.ts"
import { operations } from "./operations.ts"
import { changing, type Moment } from "./strace.ts"

/** Processes at a time: each waits for the disk, for strace and for its judge in turn. */
const lanes = 3

/** Whoever finds so much wrong need not go on. */
const wrongsMax = 10

export interface Sweep {
  readonly seed: number
  /** Whether to begin another death, after those before. */
  readonly goOn: (tally: Tally) => boolean
  readonly signal: AbortSignal
}

export interface Tally {
  /** Deaths, each at a moment of its own, and judged. */
  kills: number
  /** Operations on a store of some durability, at some durability, of which some moment was tried. */
  operations: number
  /** How many of those that died had answered before. */
  answered: number
  /** How many had not answered, and all of it had happened. */
  unanswered: number
  /** Names of calls, each of one operation, that were tried up to the last one. */
  finished: number
  /** Whether there was nothing left to try. */
  complete: boolean
  readonly wrongs: Array<Wrong>
}

/** Something that must not be, and what `--replay` is to be given. */
export interface Wrong {
  readonly what: string
  readonly replay: string
}

/** Tries all there is, what matters most first; the rest in an order that the seed decides. */
export const sweepAll = (sweep: Sweep): Promise<Tally> =>
  withExecutioner(sweep, async (bench) => {
    const random = randomFrom(sweep.seed)
    const calls = await bench.forEach(scenes, async (scene) => ({ scene, counts: await bench.calls(scene) }))
    const tracks = calls.flatMap(({ counts, scene }) =>
      [...counts.keys()].flatMap((call) => momentsOf(call).map((when) => ({ scene, call, when })))
    )
    const inOrder = shuffled(tracks, random).sort((one, other) => rankOf(one) - rankOf(other))
    await bench.forEach(inOrder, async ({ call, scene, when }) => {
      for (let nth = 1; await bench.execute(scene, { when, call, nth }); nth++);
      if (!bench.isOver()) bench.tally.finished++
    })
  })

/** A sample for each operation at each durability: every rename before and after, every sync, and others by the seed. */
export const sweepSome = (sweep: Sweep, others: number): Promise<Tally> =>
  withExecutioner(sweep, async (bench) => {
    const random = randomFrom(sweep.seed)
    const chosen = Object.keys(operations).flatMap((operation) =>
      (["full", "process"] as const).flatMap((durability) =>
        random.pick(scenes.filter((scene) => scene.operation === operation && scene.durability === durability)) ?? []
      )
    )
    const calls = await bench.forEach(chosen, async (scene) => ({ scene, counts: await bench.calls(scene) }))
    const moments = calls.flatMap(({ counts, scene }) =>
      [...counts].flatMap(([call, count]) =>
        momentsOf(call).flatMap((when) =>
          Array.from({ length: count }, (_, at) => ({ scene, moment: { when, call, nth: at + 1 } }))
        )
      )
    )
    const always = moments.filter(({ moment }) =>
      isRename(moment.call) || (isSync(moment.call) && moment.when === "before")
    )
    const sample = shuffled(moments.filter((one) => !always.includes(one)), random).slice(0, others)
    await bench.forEach([...always, ...sample], ({ moment, scene }) => bench.execute(scene, moment))
  })

/** One death again, by what a {@link Wrong} says. */
export const replay = (sweep: Sweep, text: string): Promise<Tally> =>
  withExecutioner(sweep, async (bench) => {
    const { moment, scene } = parse(text)
    await (moment === undefined ? bench.calls(scene) : bench.execute(scene, moment))
  })

// ============================================================ what is tried, and when

const isRename = (call: string): boolean => call.startsWith("rename")
const isSync = (call: string): boolean => call.endsWith("sync") || call === "syncfs"

/** Whether the moment after a call differs from the moment before the next. */
const momentsOf = (call: string): ReadonlyArray<Moment["when"]> => changing.has(call) ? ["before", "after"] : ["before"]

/** What decides whether an operation happens comes first, then what leaves something behind, then what only looks. */
const rankOf = ({ call }: { readonly call: string }): number =>
  isRename(call) ? 0 : isSync(call) ? 1 : changing.has(call) ? 2 : 3

const shuffled = <A>(items: ReadonlyArray<A>, random: Random): Array<A> =>
  items.map((item) => [random.below(2 ** 31), item] as const).sort(([one], [other]) => one - other).map(([, item]) =>
    item
  )

// ============================================================ trying

interface Bench {
  readonly tally: Tally
  readonly isOver: () => boolean
  /** Some at a time; nothing more once it is over. */
  readonly forEach: <A, B>(items: ReadonlyArray<A>, work: (item: A) => Promise<B>) => Promise<ReadonlyArray<B>>
  readonly calls: Executioner["calls"]
  /** Whether a kill came. */
  readonly execute: (scene: Scene, moment: Moment) => Promise<boolean>
}

const withExecutioner = ({ goOn, signal }: Sweep, work: (bench: Bench) => Promise<void>): Promise<Tally> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const executioner = yield* makeExecutioner
    const tally: Tally = {
      kills: 0,
      operations: 0,
      answered: 0,
      unanswered: 0,
      finished: 0,
      complete: true,
      wrongs: []
    }
    const met = new Set<string>()
    const isOver = (): boolean => signal.aborted || tally.wrongs.length >= wrongsMax || !goOn(tally)
    const note = (scene: Scene, { answered, happened, killed }: Fate): boolean => {
      if (!killed) return false
      tally.kills++
      tally.operations = met.add(textOf(scene)).size
      if (answered) tally.answered++
      else if (happened) tally.unanswered++
      return true
    }
    const wrong = (replay: string) => (cause: unknown): false => {
      // Whoever interrupts ends the processes in the middle.
      if (!signal.aborted) tally.wrongs.push({ what: `${replay}: ${messageOf(cause)}`, replay })
      return false
    }
    const bench: Bench = {
      tally,
      isOver,
      forEach: async (items, work) => {
        const results = await Effect.runPromise(
          Effect.forEach(items, (item) =>
            Effect.suspend(() => {
              if (!isOver()) return Effect.map(Effect.promise(() => work(item)), (result) => [result])
              tally.complete = false
              return Effect.succeed([])
            }), { concurrency: lanes })
        )
        return results.flat()
      },
      calls: (scene) =>
        executioner.calls(scene).catch((cause: unknown) => {
          wrong(textOf(scene))(cause)
          return new Map()
        }),
      execute: async (scene, moment) => {
        if (isOver()) {
          tally.complete = false
          return false
        }
        return executioner.execute(scene, moment).then((fate) => note(scene, fate), wrong(textOf(scene, moment)))
      }
    }
    yield* Effect.promise(() => work(bench))
    return tally
  })))

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)
