import { createPublicKey } from 'node:crypto';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { median } from 'simple-statistics';
import { spoiledBlobs } from '../oracle/blobs.js';
import { MESSAGE, spoiled } from '../oracle/oaep.js';
import { compare, differs, GROSS, VISIBLE } from './compare.js';
import { type Attempts, measure, type Timings } from './measure.js';

// npm run test:timing [seconds]: tests whether the time of a failed decryption reveals why it failed. On the node
// engine; node-forge makes no such claim. The last line of each table fails before any cryptography, for a public
// reason: it proves that a difference would be detected.

const KEY = 'alias/orders';
const RSA = 'alias/rsa';
const seconds = Number(process.argv[2] ?? 10);
if (!Number.isInteger(seconds) || seconds < 1) {
  console.error('npm run test:timing -- [SECONDS], a whole number');
  process.exit(2);
}
const keys = new LocalKeyWrapProvider({
  engine: 'node',
  keys: [KEY, { keyId: RSA, keySpec: 'RSA_2048' }],
});
const problems: string[] = [];

const encryptionContext = { tenant: 'a' };
const wrongContext = { tenant: 'b' };
await judge('a blob under SYMMETRIC_DEFAULT', await blobAttempts(), {
  classes: [
    'the last byte of the tag is wrong',
    'the first byte of the tag is wrong',
    'the context is another',
    'the ciphertext is wrong',
    'the nonce is wrong where the key is derived',
    'the nonce is wrong where AES-GCM takes it',
  ],
  control: 'it is one byte long',
});
for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
  await judge(`a message under ${algorithm}`, await oaepAttempts(algorithm), {
    // Manger's attack asks whether Y is zero.
    classes: [
      'the last byte of lHash is wrong',
      'Y is 1',
      'the first byte of lHash is wrong',
      'PS begins with another byte',
      'there is no 01',
      'there is nothing but zeros after lHash',
    ],
    control: 'one byte is missing',
  });
}
await keys.close();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

interface Table {
  /** The first is the reference. */
  readonly classes: readonly string[];
  readonly control: string;
}

async function judge(title: string, attempts: Attempts, { classes, control }: Table) {
  const chosen = new Map([...classes, control].map((name) => [name, attempts.get(name) ?? []]));
  await measure(chosen, 50); // until everything is loaded and compiled
  const began = performance.now();
  await measure(chosen, 20);
  const rounds = Math.round((20 * 1000 * (seconds / 3)) / (performance.now() - began));
  const timings = await measure(chosen, Math.min(rounds, 5000));
  const [reference = ''] = classes;
  const rows = [...chosen.keys()].map((name) => rowOf(name, reference, timings, name === control));
  console.log(`\n${title}: ${timings.get(reference)?.length} failures of each class\n`);
  console.log(table([['', 'median', 'ratio', '99 %', 'superiority', 'p'], ...rows]));
}

function rowOf(name: string, reference: string, timings: Timings, isControl: boolean): string[] {
  const times = timings.get(name) ?? [];
  const row = [name, `${median([...times]).toFixed(1)} us`];
  if (name === reference) return [...row, '', '', '', ''];
  const comparison = compare(times, timings.get(reference) ?? []);
  const { medianRatio, interval, superiority, p } = comparison;
  if (isControl && !differs(comparison, VISIBLE)) problems.push(`${name}: no difference was seen`);
  if (!isControl && differs(comparison, GROSS)) {
    problems.push(`${name}: takes ${medianRatio.toFixed(2)} times as long, more than ${GROSS}`);
  }
  const range = interval.map((ratio) => ratio.toFixed(3)).join(' - ');
  return [
    ...row,
    medianRatio.toFixed(3),
    range,
    superiority.toFixed(3),
    p < 0.003 ? '< 0.003' : p.toFixed(3),
  ];
}

function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Several ciphertexts of each class, so that no single one represents it. */
async function blobAttempts(): Promise<Attempts> {
  const attempts = new Map<string, (() => Promise<unknown>)[]>();
  for (let i = 0; i < 20; i++) {
    const { ciphertext } = await keys.encrypt({
      keyId: KEY,
      plaintext: MESSAGE,
      encryptionContext,
    });
    for (const [name, blob] of spoiledBlobs(ciphertext)) {
      add(attempts, name, () => keys.decrypt({ ciphertext: blob, encryptionContext }));
    }
    add(attempts, 'the context is another', () =>
      keys.decrypt({ ciphertext, encryptionContext: wrongContext }),
    );
  }
  return attempts;
}

async function oaepAttempts(
  algorithm: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256',
): Promise<Attempts> {
  const { publicKey } = await keys.getPublicKey({ keyId: RSA });
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const attempts = new Map<string, (() => Promise<unknown>)[]>();
  for (let i = 0; i < 20; i++) {
    const hash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
    for (const [name, ciphertext] of spoiled(key, hash)) {
      add(attempts, name, () => keys.decryptAsymmetric({ keyId: RSA, algorithm, ciphertext }));
    }
  }
  return attempts;
}

function add(
  attempts: Map<string, (() => Promise<unknown>)[]>,
  name: string,
  way: () => Promise<unknown>,
) {
  const ways = attempts.get(name) ?? [];
  attempts.set(name, [...ways, way]);
}
