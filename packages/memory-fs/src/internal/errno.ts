/** A refused system call, thrown inside this package alone: its edge makes the port's failure of it. No stack: no bug. */
export class Errno {
  readonly code: string
  constructor(code: string) {
    this.code = code
  }
}

/** Whether the refusal says that nothing is there. */
export const saysAbsent = (error: unknown): boolean =>
  error instanceof Errno && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** With which errno it is refused; `undefined` if it is not. */
export const codeOf = (act: () => void): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof Errno) return error.code
    throw error
  }
}
