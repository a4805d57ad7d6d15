/**
 * Names are bytes on Linux and text in memfs. Here a byte that is not part of UTF-8 stands in the text as a lone surrogate,
 * U+DC80 for 0x80 to U+DCFF for 0xff, which no UTF-8 decodes to: so bytes and texts correspond one to one. Such text never
 * leaves this package.
 */
import { isUtf8 } from "node:buffer"

const escapeBase = 0xdc00

/** The text that stands for these bytes. */
export const nameOf = (bytes: Uint8Array): string => {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  let name = ""
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at)
    name += length === 0
      ? String.fromCharCode(escapeBase + (bytes[at] ?? 0))
      : Buffer.from(bytes.subarray(at, at + length)).toString()
    at += length || 1
  }
  return name
}

/** How many bytes of UTF-8 make the character that begins there; 0 where none does. */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/** The bytes that a text stands for. */
export const bytesOfName = (name: string): Buffer =>
  name.isWellFormed()
    ? Buffer.from(name)
    : Buffer.concat(Array.from(name, (character) =>
      character.isWellFormed() ? Buffer.from(character) : Buffer.of(character.charCodeAt(0) - escapeBase)))

/** How many bytes a text stands for. */
export const byteLength = (name: string): number =>
  name.isWellFormed() ? Buffer.byteLength(name) : bytesOfName(name).length

/** For those who only know text, and for messages: what is not UTF-8 becomes U+FFFD, as Node shows it. */
export const shownName = (name: string): string => name.isWellFormed() ? name : bytesOfName(name).toString()
