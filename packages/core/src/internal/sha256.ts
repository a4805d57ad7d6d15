/**
 * SHA-256 (FIPS 180-4), pure and synchronous.
 *
 * Index links are named by the digest of a key, so an operation needs one or two digests of short texts. Effect's own
 * digests are Web Crypto's: a trip to the thread pool each, dearer than the whole digest is here, and no lookup could
 * be synchronous. Node's `createHash` is out of reach of a package without `node:` imports.
 */

/** The digest of the text's UTF-8, as 64 lower-case hexadecimal digits. A lone surrogate counts as U+FFFD. */
export const sha256Hex = (text: string): string => {
  const bytes = bufferFor(text.length)
  const length = encode(text, bytes)
  // The padding: one set bit, zeros up to a whole block, and the length in bits as the last 8 bytes.
  const end = (length + 9 + 63) & ~63
  bytes.fill(0, length, end)
  bytes[length] = 0x80
  for (let i = 0, bits = length * 8; i < 8; i++, bits = Math.floor(bits / 256)) bytes[end - 1 - i] = bits % 256

  state.set(initialState)
  for (let offset = 0; offset < end; offset += 64) compress(bytes, offset)
  let hex = ""
  for (let i = 0; i < 8; i++) {
    const word = state[i]!
    hex += hexOfByte[word >>> 24]! + hexOfByte[(word >>> 16) & 255]! + hexOfByte[(word >>> 8) & 255]! +
      hexOfByte[word & 255]!
  }
  return hex
}

// Everything is 32-bit integers in arrays that are made once: no digest is ever suspended half-way.
const state = new Int32Array(8)
const schedule = new Int32Array(64)
const reused = new Uint8Array(1024)

/** Room for so many UTF-16 units as UTF-8 (at most three bytes each) and the padding. */
const bufferFor = (units: number): Uint8Array => {
  const size = units * 3 + 128
  return size <= reused.length ? reused : new Uint8Array(size)
}

const encoder = new TextEncoder()

const encode = (text: string, bytes: Uint8Array): number => {
  // Keys are ASCII nearly always, and for a short one the encoder's call alone costs as much as this loop.
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return encoder.encodeInto(text, bytes).written
    bytes[i] = unit
  }
  return text.length
}

const compress = (bytes: Uint8Array, offset: number): void => {
  const w = schedule
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1
  }

  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + constants[i]! + w[i]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  // Storing into an Int32Array is what reduces the sums modulo 2^32.
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

const isPrime = (n: number): boolean => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter(isPrime)

/** The first 32 bits behind the point, which is how the standard makes its constants. */
const fraction = (x: number): number => (x - Math.floor(x)) * 0x1_0000_0000

const initialState = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)) | 0)
const constants = Int32Array.from(primes.slice(0, 64), (prime) => fraction(Math.cbrt(prime)) | 0)

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
