/** Where tests work that want a tmpfs: it is fast, and never gives an inode number out twice. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const machines = "/dev/shm"

/** The directory on tmpfs that belongs to the run whose temporary directory this is; `undefined` where there is no tmpfs. */
export const tmpfsOf = (temporary: string): string | undefined =>
  fs.existsSync(machines) ? path.join(machines, path.basename(temporary)) : undefined

/** The run's own, which is looked after as its temporary directory is; outside of a run the machine's. */
export const tmpfs = (): string => {
  const own = tmpfsOf(os.tmpdir())
  if (own !== undefined && fs.existsSync(own)) return own
  return fs.existsSync(machines) ? machines : os.tmpdir()
}
