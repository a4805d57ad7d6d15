/** A mount that is refused, thrown inside this package alone: its edge makes the port's failure of it. */
export class Refused {
  readonly code: string
  readonly reason: string
  constructor(code: string, reason: string) {
    this.code = code
    this.reason = reason
  }
}
