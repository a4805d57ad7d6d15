/** `IdSource` from the system's randomness: 65 bits, so that a store never meets the same id twice. */
import { idFromBytes, IdSource } from "@snapshotter/core/IdSource"
import { Effect, Layer } from "effect"
import { randomBytes } from "node:crypto"

export const layer: Layer.Layer<IdSource> = Layer.succeed(IdSource, {
  next: Effect.sync(() => idFromBytes(randomBytes(13)))
})
