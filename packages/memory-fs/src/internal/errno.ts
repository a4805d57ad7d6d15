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
