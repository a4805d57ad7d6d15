/** Who has a FIFO open for reading: only then can it be opened for writing alone, without waiting. */
const readers = new WeakMap<object, number>()

export const isRead = (fifo: object): boolean => (readers.get(fifo) ?? 0) > 0

/** One reader more, or, with `-1`, less. */
export const countReader = (fifo: object, change: 1 | -1): void => {
  readers.set(fifo, (readers.get(fifo) ?? 0) + change)
}
