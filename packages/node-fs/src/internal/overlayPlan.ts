/**
 * From an overlay mount as data to what the kernel is told, for each way to mount; refusals of what must not be.
 * Pure.
 */
import { type OverlayMount, overlayOptions } from "@snapshotter/core/Mount"
import { layersMaxOfKernel } from "@snapshotter/core/Snapshot"
import { E2BIG, EINVAL } from "./errno.ts"
import { isMountFlag } from "./mountFlags.ts"
import { Refused } from "./refusal.ts"

export interface Setting {
  readonly name: string
  /** Absent for a flag. */
  readonly value?: string
  /** Whether it is said by us, and left out where the kernel does not know it. */
  readonly implied: boolean
}

export interface OverlayPlan {
  readonly lower: ReadonlyArray<string>
  readonly upper: string | undefined
  readonly work: string | undefined
  readonly settings: ReadonlyArray<Setting>
  /** `ro`, `nosuid`, …: about the mount, not about overlay. */
  readonly flags: ReadonlyArray<string>
}

/**
 * What every mount says, since machines differ in defaults and these change what a layer holds: redirects and files
 * without data mean nothing to whoever reads the layer alone, an index ties it to one place.
 */
const fixed: ReadonlyMap<string, string> = new Map([
  ["index", "off"],
  ["redirect_dir", "nofollow"],
  ["metacopy", "off"]
])

/** Only these values go with the fixed ones. */
const required: ReadonlyMap<string, string> = new Map([...fixed, ["nfs_export", "off"], ["verity", "off"]])

/** Takes a mount apart. `known` are the parameters this kernel's overlay has; `undefined`: it did not say. */
export const planOverlay = (mount: OverlayMount, known: ReadonlySet<string> | undefined): OverlayPlan => {
  const { lower, upper, work, others } = overlayOptions(mount)
  if (lower.length === 0) throw new Refused(EINVAL, "an overlay needs at least one lowerdir")
  if (lower.length > layersMaxOfKernel) {
    throw new Refused(
      EINVAL,
      `it has ${lower.length} lower layers and the kernel takes ${layersMaxOfKernel} at most; merge some of them`
    )
  }
  if ((upper === undefined) !== (work === undefined)) {
    throw new Refused(EINVAL, "upperdir and workdir are given together or not at all")
  }
  const said = others.filter((option) => !isMountFlag(option)).map(parseSetting)
  for (const setting of said) refuseContradiction(setting)
  const names = new Set(said.map(({ name }) => name))
  const implied = [...fixed].filter(([name]) => !names.has(name) && (known?.has(name) ?? true))
  return {
    lower,
    upper,
    work,
    settings: [...said, ...implied.map(([name, value]) => ({ name, value, implied: true }))],
    flags: [...others.filter(isMountFlag), ...(upper === undefined ? ["ro"] : [])]
  }
}

const parseSetting = (option: string): Setting => {
  const equals = option.indexOf("=")
  return equals === -1
    ? { name: option, implied: false }
    : { name: option.slice(0, equals), value: option.slice(equals + 1), implied: false }
}

const refuseContradiction = ({ name, value }: Setting): void => {
  const allowed = required.get(name)
  if (allowed !== undefined && value !== allowed) {
    const said = value === undefined ? name : `${name}=${value}`
    throw new Refused(EINVAL, `the option ${said} changes what a layer holds; say ${name}=${allowed}, or leave it out`)
  }
  if (["lowerdir+", "datadir+", "lowerdir", "upperdir", "workdir"].includes(name)) {
    throw new Refused(EINVAL, `the option ${name} is given more than once, or not as lowerdir=, upperdir=, workdir=`)
  }
}

// ============================================================ for fsconfig

/** The value as `fsconfig` takes it: there the quotes that keep a value with commas together are none. */
export const fsconfigValue = ({ value }: Setting): string | undefined => value?.replace(/^"(.*)"$/s, "$1")

/** `upperdir` and `workdir`, where given as text, are unescaped once more by overlay; lower layers are not. */
export const guardBackslashes = (path: string): string => path.replaceAll("\\", "\\\\")

// ============================================================ for mount(2)

/** The one option string, in the order of the plan: settings, `workdir`, `upperdir`, `lowerdir` nearest first. */
export const optionString = (plan: OverlayPlan): string =>
  [
    ...plan.settings.map(settingText),
    ...(plan.work === undefined ? [] : [`workdir=${guard(plan.work)}`]),
    ...(plan.upper === undefined ? [] : [`upperdir=${guard(plan.upper)}`]),
    `lowerdir=${plan.lower.map(guard).join(":")}`
  ].join(",")

/** The kernel reads one page and silently leaves out what is beyond it, which would cut the stack. */
export const checkedOptionString = (plan: OverlayPlan, pageBytes: number): string => {
  const text = optionString(plan)
  const bytes = Buffer.byteLength(text)
  if (bytes <= pageBytes - 1) return text
  throw new Refused(
    E2BIG,
    `its options have ${bytes} bytes and mount(2) takes ${pageBytes - 1}; use a kernel with fsopen and lowerdir+ ` +
      "(Linux 6.7), a shorter root, or fewer layers"
  )
}

const guard = (path: string): string => path.replace(/[\\:,]/g, "\\$&")

/** A security context may hold commas, and is kept together by quotes; overlay's own options by backslashes. */
const settingText = ({ name, value }: Setting): string => {
  if (value === undefined) return name
  if (!value.includes(",") || /^".*"$/s.test(value)) return `${name}=${value}`
  return name.endsWith("context") ? `${name}="${value}"` : `${name}=${value.replace(/(?<!\\),/g, "\\,")}`
}
