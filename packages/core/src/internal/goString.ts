/**
 * A quoted string in Go's syntax. Its escapes `\xNN` and `\NNN` are bytes, not characters, so it is put together as
 * bytes. Bytes that are not UTF-8 become lone surrogates: a text that no key, name or label equals, as in Go.
 */

/** The string and the index after its closing quote; or where it goes wrong, and what could stand there. */
export type Read =
  | { readonly value: string; readonly position: number }
  | { readonly expected: string; readonly position: number }

/** Reads on from behind the opening quote, which also is the closing one. */
export const readGoString = (text: string, start: number, quote: string): Read => {
  const bytes: Array<number> = []
  let position = start
  while (true) {
    const codePoint = text.codePointAt(position)
    if (codePoint === undefined || codePoint === 0x0a || codePoint === 0 || isSurrogate(codePoint)) {
      return { position, expected: `a closing ${quote}` }
    }
    const char = String.fromCodePoint(codePoint)
    if (char === quote) return { value: decode(bytes), position: position + 1 }
    if (char === "\\") {
      const escape = readEscape(text, position, quote)
      if (escape === undefined) {
        return { position, expected: "one of Go's escapes, as \\\\, \\n, \\t, \\x41 or \\u00e9," }
      }
      bytes.push(...escape.bytes)
      position += escape.length
    } else {
      bytes.push(...encoder.encode(char))
      position += char.length
    }
  }
}

const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const isSurrogate = (codePoint: number): boolean => codePoint >= 0xd800 && codePoint <= 0xdfff

const decode = (bytes: ReadonlyArray<number>): string => {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch {
    return String.fromCharCode(...bytes.map((byte) => byte < 0x80 ? byte : 0xdc00 + byte))
  }
}

const simple: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 0x5c }
const numeric = /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y

const readEscape = (
  text: string,
  position: number,
  quote: string
): { readonly bytes: Iterable<number>; readonly length: number } | undefined => {
  const next = text[position + 1] ?? ""
  if (next === quote) return { bytes: encoder.encode(quote), length: 2 }
  const byte = Object.hasOwn(simple, next) ? simple[next] : undefined
  if (byte !== undefined) return { bytes: [byte], length: 2 }
  numeric.lastIndex = position
  const found = numeric.exec(text)
  if (found === null) return undefined
  const [{ length }, octal, hexadecimal, short, long] = found
  const value = octal === undefined
    ? Number.parseInt(hexadecimal ?? short ?? long ?? "", 16)
    : Number.parseInt(octal, 8)
  if (octal !== undefined || hexadecimal !== undefined) return value > 0xff ? undefined : { bytes: [value], length }
  // The encoder makes U+FFFD of a surrogate, as Go does.
  return value > 0x10ffff ? undefined : { bytes: encoder.encode(String.fromCodePoint(value)), length }
}
