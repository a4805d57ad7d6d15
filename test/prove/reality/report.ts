/** A tree and the program that it comes from, for people. */
import { type Found, linesOf } from "./found.ts"
import { describe, type Operation } from "./operation.ts"

export const report = (operations: ReadonlyArray<Operation>, tree: Found): string =>
  [...linesOf(tree).map((line) => `  ${line}`), "after", ...operations.map((one) => `  ${describe(one)}`)].join("\n")
