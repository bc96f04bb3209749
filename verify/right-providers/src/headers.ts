import { createHash, randomBytes } from 'node:crypto';

/** Returns 16 bytes that stand for a key in a ciphertext. */
export function hashOf(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, 16);
}

/** A parsed ciphertext. */
export interface Parsed {
  /** True if the ciphertext identifies its key, by {@link Parsed.keyHash}. */
  readonly isNamed: boolean;
  readonly keyHash: Buffer;
  /** The version of the key, if it shows. */
  readonly version: Buffer | undefined;
  /** Nonce, ciphertext and tag. */
  readonly sealed: Buffer;
}

/** What symmetric ciphertexts of a backend begin with. */
export interface Header {
  write(keyName: string, version: Buffer): Buffer;
  join(header: Buffer, sealed: Buffer): Buffer;
  /** Returns undefined for what is not a ciphertext. */
  parse(ciphertext: Buffer): Parsed | undefined;
}

const NO_HASH = Buffer.alloc(0);
const join = (header: Buffer, sealed: Buffer) => Buffer.concat([header, sealed]);

/** Names the key in 16 bytes, and the version in 16. `extra` zeros follow. */
export const keyAndVersion = (extra = 0): Header => ({
  join,
  write: (name, version) => Buffer.concat([hashOf(name), version, Buffer.alloc(extra)]),
  parse(ciphertext) {
    const padding = ciphertext.subarray(32, 32 + extra);
    if (padding.length < extra || padding.some((byte) => byte !== 0)) return undefined;
    return {
      isNamed: true,
      keyHash: ciphertext.subarray(0, 16),
      version: ciphertext.subarray(16, 32),
      sealed: ciphertext.subarray(32 + extra),
    };
  },
});

/**
 * Canonical text, as Vault's `vault:v1:...`: the version and base64, without the key. Text that the backend would not
 * have written is not a ciphertext, although a lenient base64 decoder reads it.
 */
export const text: Header = {
  write: (_, version) => Buffer.from(`text:${version.toString('hex')}:`),
  join: (header, sealed) => Buffer.concat([header, Buffer.from(sealed.toString('base64'))]),
  parse(ciphertext) {
    const whole = ciphertext.toString('latin1');
    const [, version = '', base64 = ''] =
      /^text:([0-9a-f]{32}):([A-Za-z0-9+/]+=*)$/.exec(whole) ?? [];
    const sealed = Buffer.from(base64, 'base64');
    if (version === '' || sealed.toString('base64') !== base64) return undefined;
    return { isNamed: false, keyHash: NO_HASH, version: Buffer.from(version, 'hex'), sealed };
  },
};

/** Eight bytes that say nothing, the same in every ciphertext of the backend; rotation does not change them. */
export const constant = (): Header => {
  const magic = randomBytes(8);
  return {
    join,
    write: () => magic,
    parse: (ciphertext) =>
      ciphertext.subarray(0, 8).equals(magic)
        ? { isNamed: false, keyHash: NO_HASH, version: undefined, sealed: ciphertext.subarray(8) }
        : undefined,
  };
};

/** Eight bytes of the version, which only the backend can read; rotation changes them. */
export const changing = (): Header => {
  const versions = new Map<string, Buffer>();
  return {
    join,
    write(_, version) {
      const shown = Buffer.from(version.subarray(0, 8).map((byte) => byte ^ 0x5a));
      versions.set(shown.toString('hex'), version);
      return shown;
    },
    parse(ciphertext) {
      const version = versions.get(ciphertext.subarray(0, 8).toString('hex'));
      const sealed = ciphertext.subarray(8);
      return version && { isNamed: false, keyHash: NO_HASH, version, sealed };
    },
  };
};
