/**
 * Effect's `Path` on a simulated machine: POSIX paths, and what is relative begins at the root, as in `MemoryFileSystem`,
 * whatever the working directory of the process is.
 */
import { Effect, Layer, Path } from "effect"

const fromRoot = (posix: Path.Path): Path.Path => {
  const resolve = (...segments: ReadonlyArray<string>) => posix.resolve("/", ...segments)
  return Path.Path.of({
    ...posix,
    resolve,
    resolveWithin: (root, input) => posix.resolveWithin(resolve(root), input),
    relative: (from, to) => posix.relative(resolve(from), resolve(to)),
    toFileUrl: (path) => posix.toFileUrl(resolve(path))
  })
}

export const layer: Layer.Layer<Path.Path> = Layer.provide(
  Layer.effect(Path.Path, Effect.map(Path.Path, fromRoot)),
  Path.layer
)
