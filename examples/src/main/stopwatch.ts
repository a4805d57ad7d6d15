/** Answers how many milliseconds have passed since it was asked last. */
export const stopwatch = (): () => number => {
  let last = performance.now()
  return () => {
    const before = last
    last = performance.now()
    return last - before
  }
}
