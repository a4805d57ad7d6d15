/**
 * `kill -9` of processes that share a store on disk: `packages/node-fs/test/kill/rounds.ts`, of which `npm test` plays some
 * rounds. A replay repeats what was chosen, not the schedule of the machine.
 */
import { RoundFailed, rounds, type Tally } from "../../packages/node-fs/test/kill/rounds.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const processes = 4
const killsWanted = 1_000

const run = async (orders: Orders): Promise<Outcome> => {
  const { progress, replay, seed, signal } = orders
  const [givenSeed, givenRounds] = (replay ?? "").split("/").map(Number)
  const goOn = (tally: Tally) => {
    const { acknowledged, kills, rounds } = tally
    progress(`${kills} kills in ${rounds} rounds, ${acknowledged} operations acknowledged`)
    if (replay !== undefined) return tally.rounds < (givenRounds ?? 1)
    return tally.kills < killsWanted && performance.now() < orders.until
  }
  const played = await rounds({ seed: replay === undefined ? seed : givenSeed ?? seed, processes, goOn, signal }).catch(
    (cause: unknown) => {
      // Whoever interrupts the campaign ends the processes in the middle of a round.
      if (cause instanceof RoundFailed && !signal.aborted) return cause
      throw cause
    }
  )
  if (!(played instanceof RoundFailed)) return outcomeOf(played, [], played.kills >= killsWanted)
  const { message, seed: ofRound, tally } = played
  return outcomeOf(tally, [{ what: message, replay: `${ofRound}/${tally.rounds + 1}` }], false)
}

const outcomeOf = (
  { acknowledged, kills, looked, rounds }: Tally,
  violations: Outcome["violations"],
  complete: boolean
): Outcome => ({
  counts: { kills, rounds, "operations acknowledged": acknowledged, "commits looked at": looked },
  violations,
  complete
})

export const kills: Part = {
  name: "kills",
  title: `kill -9 of ${processes} processes that share one store, all that was acknowledged looked at after each round`,
  floors: { kills: killsWanted },
  run
}
