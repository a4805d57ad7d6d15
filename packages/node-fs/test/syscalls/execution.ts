/**
 * One death: a process opens a store and waits; strace attaches and kills it at the n-th call of some name, at its entry
 * or once it has happened; then the store is judged. Nothing here depends on time: the operation begins when strace is
 * attached, and the moment is a call.
 */
import { Effect, type Scope } from "effect"
import * as assert from "node:assert/strict"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { bundle, compiledBeside } from "../../../../test/bundle.ts"
import { freshDirectory } from "../place.ts"
import { durabilities, type Durability, type OperationName, operationOf, operations } from "./operations.ts"
import { countCalls, type Moment, Tracer } from "./strace.ts"
import { litter, makeTemplate, type Template } from "./template.ts"
import { verdict } from "./verdict.ts"
import type { Orders } from "./victim.ts"

const victim = fileURLToPath(new URL("victim.ts", import.meta.url))

/** An operation on a store that was built at some durability. */
export interface Scene {
  readonly operation: OperationName
  readonly durability: Durability
  readonly built: Durability
}

export const scenes: ReadonlyArray<Scene> = (Object.keys(operations) as ReadonlyArray<OperationName>).flatMap(
  (operation) =>
    durabilities.flatMap((durability) =>
      // Where nothing is, nothing was built.
      (operationOf(operation).on === "nothing" ? ["full" as const] : durabilities).map((built) => ({
        operation,
        durability,
        built
      }))
    )
)

/** One death, or none: what a replay is given. */
export const textOf = ({ built, durability, operation }: Scene, moment?: Moment): string =>
  [operation, durability, built, ...(moment === undefined ? [] : [moment.when, moment.call, moment.nth])].join("/")

export const parse = (text: string): { readonly scene: Scene; readonly moment: Moment | undefined } => {
  const [operation = "", durability, built, when, call = "", nth = ""] = text.split("/")
  const scene = scenes.find((one) => textOf(one) === [operation, durability, built].join("/"))
  if (scene === undefined) throw new Error(`${text} names no operation with two durabilities`)
  if (when === undefined) return { scene, moment: undefined }
  if (when !== "before" && when !== "after") throw new Error(`${text} does not say whether before or after the call`)
  return { scene, moment: { when, call, nth: Number(nth) } }
}

/** What became of one process. */
export interface Fate {
  readonly killed: boolean
  /** What it had answered before it was killed, or ended. */
  readonly answered: boolean
  /** Whether it had happened, answered or not. */
  readonly happened: boolean
}

/** Makes processes die, and judges what they leave. */
export interface Executioner {
  /** The calls that an operation makes if it is let be, with how often. It is judged as well. */
  readonly calls: (scene: Scene) => Promise<ReadonlyMap<string, number>>
  /** Rejects where something is not as it must be. */
  readonly execute: (scene: Scene, moment: Moment) => Promise<Fate>
}

export const makeExecutioner: Effect.Effect<Executioner, never, Scope.Scope> = Effect.gen(function*() {
  const directory = yield* freshDirectory
  const program = yield* Effect.promise(() => bundle(victim, path.join(directory, "program")))
  const templates: Record<Durability, Template> = {
    full: yield* makeTemplate(path.join(directory, "full"), "full"),
    process: yield* makeTemplate(path.join(directory, "process"), "process")
  }
  let cases = 0
  const living = new Set<ChildProcess>()
  yield* Effect.addFinalizer(() => Effect.promise(() => endAll(living)))

  const run = async (scene: Scene, moment: Moment | undefined) => {
    const place = path.join(directory, `${++cases}`)
    try {
      return await runIn(place, program, templates[scene.built], scene, moment, living)
    } finally {
      fs.rmSync(place, { recursive: true, force: true })
    }
  }
  // The first of them writes down what was compiled, which is not the store's.
  const [first] = scenes
  if (first !== undefined) yield* Effect.promise(() => run(first, undefined))
  return {
    calls: async (scene) => countCalls((await run(scene, undefined)).trace),
    execute: async (scene, moment) => (await run(scene, moment)).fate
  }
})

const endAll = async (living: ReadonlySet<ChildProcess>): Promise<void> => {
  for (const child of living) child.kill("SIGKILL")
  await Promise.all([...living].map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")))
}

const runIn = async (
  place: string,
  program: string,
  template: Template,
  scene: Scene,
  moment: Moment | undefined,
  living: Set<ChildProcess>
): Promise<{ readonly fate: Fate; readonly trace: string }> => {
  const { operation, durability } = scene
  const { on } = operationOf(operation)
  // Of a new store the directories above it are made as well.
  const root = on === "nothing" ? path.join(place, "made", "store") : path.join(place, "store")
  const target = path.join(place, "target")
  fs.mkdirSync(target, { recursive: true })
  if (on !== "nothing") execFileSync("cp", ["-a", template.root, root])
  const { answer, killed, trace } = await die(program, { root, operation, durability }, moment, living, () => {
    if (on === "littered") litter(root)
  })
  assert.ok(answer === undefined ? killed : answer === "done", `it answered ${answer}`)
  const before = on === "nothing" ? new Map() : template.forest
  const answered = answer !== undefined
  const happened = await Effect.runPromise(verdict({ operation, durability, root, target, before, answered }))
  return { fate: { killed, answered, happened }, trace }
}

/** Lets a process come to where it only has to do it, attaches strace, lets it go on, and sees its end. */
const die = async (
  program: string,
  orders: Orders,
  moment: Moment | undefined,
  living: Set<ChildProcess>,
  prepare: () => void
) => {
  // One thread in the pool, so that counting the calls of each thread counts them all.
  const env = { ...process.env, ...compiledBeside(program), UV_THREADPOOL_SIZE: "1" }
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: ["pipe", "pipe", "pipe"], env })
  living.add(child)
  const ended = once(child, "close").finally(() => living.delete(child))
  child.stdin.on("error", () => {})
  let [stdout, stderr] = ["", ""]
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
      if (stdout.startsWith("ready\n")) resolve(true)
    })
    void ended.then(() => resolve(false))
  })
  if (!(await ready)) throw new Error(`it did not begin: ${stderr}`)
  prepare()
  const tracer = await Tracer.attach(child.pid ?? 0, moment)
  child.stdin.write("go\n")
  if (moment?.when === "after" && await tracer.held) {
    child.kill("SIGKILL")
    // Else it would wait for the end of the delay.
    tracer.kill()
  }
  const trace = await tracer.end()
  await ended
  assert.equal(child.signalCode, "SIGKILL", `it ended with ${child.exitCode ?? child.signalCode}: ${stderr}`)
  const [, answer, closed] = stdout.trim().split("\n")
  // Else it has ended itself.
  return { answer, killed: closed === undefined, trace }
}
