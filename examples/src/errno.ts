/** Effect's `FileSystem` has one tag for many an errno; the errno itself is in the cause. */
import { type PlatformError, Predicate } from "effect"

export const errnoOf = ({ reason }: PlatformError.PlatformError): string =>
  Predicate.hasProperty(reason.cause, "code") ? String(reason.cause.code) : reason._tag
