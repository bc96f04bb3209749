import type { Digest } from './digest.js';

/** What the derived bytes are for (RFC 7292 appendix B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/** About 10 ms of hashing; after it, the event loop gets a turn. */
const SLICE = 10_000;

/**
 * The key derivation of PKCS#12 (RFC 7292 appendix B.2). forge has it too, but would hold the event loop
 * up for as long as it takes: more than a second for a million iterations.
 *
 * @param salt A binary string.
 * @param length How many bytes to derive.
 * @returns A binary string.
 */
export async function derivePkcs12(
  digest: Digest,
  passphrase: string,
  salt: string,
  iterations: number,
  purpose: (typeof PURPOSE)[keyof typeof PURPOSE],
  length: number,
): Promise<string> {
  const v = digest.blockLength;
  const roundUp = (n: number) => v * Math.ceil(n / v);
  const password = bmpString(passphrase);

  const diversifier = String.fromCharCode(purpose).repeat(v); // step 1
  let input = repeatTo(salt, roundUp(salt.length)) + repeatTo(password, roundUp(password.length)); // steps 2 to 4: I = S ‖ P

  let derived = '';
  while (derived.length < length) {
    let a = diversifier + input; // step 6a
    for (let i = 1; i <= iterations; i++) {
      a = digest.start().update(a).digest().getBytes();
      if (i % SLICE === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    derived += a;
    input = addToEachBlock(input, repeatTo(a, v)); // steps 6b and 6c
  }
  return derived.slice(0, length);
}

/** I_j = (I_j + B + 1) mod 2^v for each block, v in bits. */
function addToEachBlock(input: string, b: string): string {
  let result = '';
  for (let offset = 0; offset < input.length; offset += b.length) {
    const sum = new Array<number>(b.length);
    let carry = 1;
    for (let i = b.length - 1; i >= 0; i--) {
      carry += input.charCodeAt(offset + i) + b.charCodeAt(i);
      sum[i] = carry & 0xff;
      carry >>= 8;
    }
    result += String.fromCharCode(...sum);
  }
  return result;
}

function repeatTo(text: string, length: number): string {
  return length === 0 ? '' : text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

/** The passphrase as a BMPString with a final NULL (appendix B.1), as bytes. */
function bmpString(passphrase: string): string {
  let bytes = '';
  for (let i = 0; i < passphrase.length; i++) {
    const unit = passphrase.charCodeAt(i);
    bytes += String.fromCharCode(unit >> 8, unit & 0xff);
  }
  return `${bytes}\0\0`;
}
