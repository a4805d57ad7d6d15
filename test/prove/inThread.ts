/** Work of a part that is done in threads: whoever starts one, and the thread itself. */
import { parentPort, Worker, workerData } from "node:worker_threads"

type Message<Progress, Report> = { readonly progress: Progress } | { readonly report: Report }

/** Has a program, which calls {@link asThread}, work on this plan. Rejects when the signal is aborted. */
export const inThread = <Progress, Report>(
  program: URL,
  plan: unknown,
  signal: AbortSignal,
  progress: (progress: Progress) => void
): Promise<Report> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: plan })
    const stop = () => void worker.terminate()
    signal.addEventListener("abort", stop)
    worker.on("message", (message: Message<Progress, Report>) => {
      if ("report" in message) resolve(message.report)
      else progress(message.progress)
    })
    worker.once("error", reject)
    worker.once("exit", () => {
      signal.removeEventListener("abort", stop)
      reject(new Error("a thread ended before it was done"))
    })
  })

/** Does a thread's work. */
export const asThread = async <Plan, Progress, Report>(
  work: (plan: Plan, progress: (progress: Progress) => void) => Promise<Report>
): Promise<void> => {
  // A thread has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  const say = (message: Message<Progress, Report>) => parentPort?.postMessage(message)
  say({ report: await work(workerData, (progress) => say({ progress })) })
}
