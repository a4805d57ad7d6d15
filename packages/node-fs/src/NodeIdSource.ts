/** `IdSource` from the system's randomness: 65 bits, so that a store never meets the same id twice. */
import { idFromNumber, IdSource } from "@snapshotter/core/IdSource"
import { Effect, Layer } from "effect"
import { randomBytes } from "node:crypto"

export const layer: Layer.Layer<IdSource> = Layer.succeed(IdSource, {
  next: Effect.sync(() => idFromNumber(BigInt(`0x${randomBytes(9).toString("hex")}`)))
})
