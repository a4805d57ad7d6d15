/** strace, attached to a process: what calls it makes, and its death at one of them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"

/** The n-th call of that name of some thread: killed at its entry, so that it never happens, or once it has happened. */
export interface Moment {
  readonly when: "before" | "after"
  readonly call: string
  /** Counted from 1, from the attaching on, in each thread. */
  readonly nth: number
}

/**
 * The n-th call of that name of some thread is not made, and fails; a `write` of the main thread alone, as the others write
 * nothing but what wakes it, and that must not fail.
 */
export interface Refusal {
  readonly when: "fails"
  readonly call: string
  /** As {@link Moment.nth}. */
  readonly nth: number
  /** The errno's name. */
  readonly code: string
}

/** Calls of a process that are not the store's, and why no kill is tried at them. */
export const leftOut: Readonly<Record<string, string>> = {
  futex: "threads that wait for each other",
  sched_yield: "the same",
  madvise: "memory",
  mmap: "memory",
  munmap: "memory",
  mprotect: "memory",
  brk: "memory",
  epoll_ctl: "the event loop",
  epoll_pwait: "the event loop",
  epoll_wait: "the event loop",
  io_uring_enter: "the event loop",
  eventfd2: "the event loop",
  clone3: "a thread of the pool begins",
  rseq: "a thread of the pool begins",
  set_robust_list: "a thread of the pool begins",
  prctl: "a thread of the pool begins",
  sched_getaffinity: "a thread of the pool begins",
  gettid: "a thread asks who it is",
  restart_syscall: "what the attaching interrupted goes on",
  sched_getparam: "a thread of V8",
  sched_getscheduler: "a thread of V8",
  clock_nanosleep: "a thread of V8",
  rt_sigprocmask: "a thread begins",
  kill: "it ends itself"
}

/** Calls that leave something behind: for those alone the moment after differs from the one before the next call. */
export const changing: ReadonlySet<string> = new Set([
  "renameat2",
  "fsync",
  "syncfs",
  "unlinkat",
  "symlinkat",
  "mkdirat",
  "write",
  "chmod",
  "fchmod",
  "fchmodat",
  "fchown",
  "fsetxattr",
  "fremovexattr",
  "setxattr",
  "removexattr",
  "utimensat",
  "flock"
])

/** Long enough for whoever is to kill it meanwhile, on any machine; nobody waits for it. */
const delayMicros = 600_000_000

const wordsOf = (moment: Moment | Refusal | undefined): ReadonlyArray<string> => {
  if (moment === undefined) return ["-e", `trace=!${Object.keys(leftOut).map((call) => `?${call}`).join(",")}`]
  const { call, nth } = moment
  return ["-e", `trace=${call}`, "-e", `inject=${call}:${whatOf(moment)}:when=${nth}`]
}

const whatOf = (moment: Moment | Refusal): string => {
  switch (moment.when) {
    case "before":
      return "signal=KILL"
    case "after":
      return `delay_exit=${delayMicros}`
    case "fails":
      return `error=${moment.code}`
  }
}

/** Attached to a process; all that it says so far. */
export class Tracer {
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown>
  private readonly listeners: Array<() => void> = []
  private said = ""

  private constructor(pid: number, moment: Moment | Refusal | undefined) {
    // A call that is delayed names nothing else on its line; so short strings will do.
    const threads = moment?.when === "fails" && moment.call === "write" ? [] : ["-f"]
    const words = [...threads, "-s", "1", ...wordsOf(moment), "-p", `${pid}`]
    // What it holds must not be held for ever, if this process is killed.
    const all = ["--pdeathsig", "KILL", "strace", ...words]
    this.child = spawn("setpriv", all, { stdio: ["ignore", "ignore", "pipe"] })
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.said += text
      for (const listener of this.listeners) listener()
    })
    this.ended = once(this.child, "close")
  }

  static async attach(pid: number, moment: Moment | Refusal | undefined): Promise<Tracer> {
    const tracer = new Tracer(pid, moment)
    if (!(await tracer.says(/ attached/))) throw new Error(`strace cannot attach: ${tracer.said}`)
    return tracer
  }

  /** Whether it ever says something of that form. */
  says(text: RegExp): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => text.test(this.said) && resolve(true)
      this.listeners.push(look)
      look()
      void this.ended.then(() => resolve(text.test(this.said)))
    })
  }

  /** A delayed call has happened, and its thread is held. */
  get held(): Promise<boolean> {
    return this.says(/\(DELAYED\)/)
  }

  /** It ends with what it traces, unless it delays something that is dead. */
  async end(): Promise<string> {
    await this.ended
    return this.said
  }

  kill(): void {
    this.child.kill("SIGKILL")
  }

  /** Lets the process be, which goes on. */
  detach(): Promise<string> {
    this.child.kill("SIGINT")
    return this.end()
  }
}

/** How often each thread that made most of them made each call. */
export const countCalls = (trace: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, Map<string, number>>()
  for (const [, thread = "", call = ""] of trace.matchAll(/^(?:\[pid +(\d+)\] )?([a-z]\w*)\(/gm)) {
    const threads = counts.get(call) ?? new Map<string, number>()
    counts.set(call, threads.set(thread, (threads.get(thread) ?? 0) + 1))
  }
  return new Map([...counts].map(([call, threads]) => [call, Math.max(...threads.values())]))
}
