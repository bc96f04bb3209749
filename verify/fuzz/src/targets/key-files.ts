import { strict as assert } from 'node:assert';
import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import {
  type PrivateKeyMaterial,
  readKeyMaterial,
  writeKeyMaterial,
  writePublicKey,
} from '@keywrap/provider-local/key-files';
import { derMutation } from '../der-mutation.js';
import { attempt, type FuzzTarget, utf8 } from '../target.js';

const FIXTURES = new URL(
  '../../../../packages/provider-local/test/key-files/fixtures/',
  import.meta.url,
);
const PASSPHRASES = [undefined, 'correct-horse', 'grüße €', 'wrong', ''] as const;

const LINES = `-----BEGIN PRIVATE KEY-----
-----END PRIVATE KEY-----
-----BEGIN PUBLIC KEY-----
-----END PUBLIC KEY-----
-----BEGIN CERTIFICATE-----
-----END CERTIFICATE-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF
DEK-Info: DES-EDE3-CBC,0123456789ABCDEF`;

/** Not seeds: notes, and files that ask for seconds of key derivation. */
const SLOW_OR_NOTES = /\.md$|^gnutls|^bc-/;

/**
 * A key that is read is the same key when it is written and read again; everything else is rejected. The
 * first byte of an input says whether the others are text, which passphrase comes with them, and whether
 * node:crypto exists.
 */
export const keyFiles: FuzzTarget = {
  name: 'key-files',
  words: [...LINES.split('\n').map((line) => `${line}\n`), 'ENCRYPTED ', 'RSA ', 'EC '],
  mutation: derMutation(1),
  async open() {
    const files = readdirSync(FIXTURES).filter((name) => !SLOW_OR_NOTES.test(name));
    const contents = files.map((name) => readFileSync(new URL(name, FIXTURES)));
    const secrets = PASSPHRASES.flatMap((passphrase) => (passphrase ? [utf8(passphrase)] : []));
    return {
      seeds: contents.flatMap((content, index) => seedsOf(files[index] as string, content)),
      async run(input) {
        const mode = input[0] ?? 0;
        const bytes = Buffer.from(input.subarray(1));
        const data = mode & 1 ? bytes.toString() : new Uint8Array(bytes);
        const passphrase = PASSPHRASES[((mode >> 1) & 0x1f) % PASSPHRASES.length];
        const read = () => readKeyMaterial(data, { passphrase });
        const key = await attempt(
          mode & 0x80 ? () => withoutNodeCrypto(read) : read,
          mode & 0x80 ? ['INVALID_INPUT', 'UNSUPPORTED'] : ['INVALID_INPUT'],
          [...secrets, bytes.subarray(bytes.length / 2)],
        );
        if (key === undefined) return;
        for (const format of ['spki-pem', 'spki-der'] as const) {
          const { publicKey } = await readKeyMaterial(writePublicKey(key.publicKey, format));
          assert.deepEqual(publicKey, key.publicKey);
        }
        createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
        if (key.type === 'public') return;
        for (const format of ['pkcs8-pem', 'pkcs8-der'] as const) {
          await assertSameAgain(key, format);
        }
      },
    };
  },
};

/** Reads as in a browser, where node-forge does what node:crypto does elsewhere. */
async function withoutNodeCrypto<T>(read: () => Promise<T>): Promise<T> {
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (() => undefined) as never;
  try {
    return await read();
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
}

async function assertSameAgain(
  key: PrivateKeyMaterial,
  format: 'pkcs8-pem' | 'pkcs8-der',
): Promise<void> {
  const written = await writeKeyMaterial(key.privateKey, { format });
  assert.deepEqual(await readKeyMaterial(written), key);
}

/** A file with the passphrase that opens it; PEM also without its armour, which changes seldom get through. */
function seedsOf(name: string, content: Buffer): Uint8Array[] {
  const passphrase = PASSPHRASES.indexOf(name === 'p256-unicode.p12' ? 'grüße €' : 'correct-horse');
  const mode = passphrase << 1;
  if (!name.endsWith('.pem')) {
    return [Uint8Array.of(mode, ...content), Uint8Array.of(mode | 0x80, ...content)];
  }
  const blocks = content.toString().matchAll(/-----BEGIN [^-]+-----\n([A-Za-z0-9+/=\n]+)-----END/g);
  return [
    Uint8Array.of(mode | 1, ...content),
    Uint8Array.of(mode | 0x81, ...content),
    ...[...blocks].map(([, base64]) =>
      Uint8Array.of(mode, ...Buffer.from(base64 as string, 'base64')),
    ),
  ];
}
