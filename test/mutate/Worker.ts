/** A process that runs single tests on the copy of core; see `worker/main.ts`. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { environment } from "./tests.ts"
import type { Load, Loaded, Ran, Run, Setting } from "./worker/messages.ts"

const program = fileURLToPath(new URL("worker/main.ts", import.meta.url))

/** A mutant does anything: it shall change no file, start no process, and not fill the machine's memory. */
const limits = ["--permission", "--allow-fs-read=*", "--max-old-space-size=1024"]

/** To load a file or run a test, at most. Nothing without mutants comes near it. */
const loadMillisMax = 120_000

/** What a process said, or that there is none any more: it ended, or was ended when its time was over. */
export type Answer<Report> = Report | { readonly _tag: "Ended" } | { readonly _tag: "TimedOut" }

export class Worker {
  private readonly child: ChildProcess
  private readonly loaded = new Map<string, Answer<Loaded>>()

  constructor(setting: Setting) {
    this.child = fork(program, [JSON.stringify(setting)], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: limits,
      env: { ...process.env, ...environment }
    })
  }

  /** Does so once; then says the same again. */
  async load(file: string): Promise<Answer<Loaded>> {
    const known = this.loaded.get(file)
    if (known !== undefined) return known
    const answer = await this.ask<Loaded>({ _tag: "Load", file }, loadMillisMax)
    this.loaded.set(file, answer)
    return answer
  }

  /** A test of a file that is loaded. */
  run(order: Omit<Run, "_tag">, millisMax: number): Promise<Answer<Ran>> {
    return this.ask<Ran>({ _tag: "Run", ...order }, millisMax)
  }

  end(): void {
    this.child.kill("SIGKILL")
  }

  private ask<Report>(message: Load | Run, millisMax: number): Promise<Answer<Report>> {
    return new Promise((resolve) => {
      const settle = (answer: Answer<Report>) => {
        clearTimeout(timer)
        this.child.off("message", settle).off("exit", ended)
        resolve(answer)
      }
      const ended = () => settle({ _tag: "Ended" })
      const timer = setTimeout(() => {
        settle({ _tag: "TimedOut" })
        this.end()
      }, millisMax)
      this.child.once("message", settle).once("exit", ended)
      if (this.child.connected) this.child.send(message)
      else ended()
    })
  }
}
