import { waitToBeSearched } from './wait-to-be-searched.js';

// Keeps a secret in every form that the search knows, to prove that the search finds them.

const WAYS_TO_KEEP: Readonly<Record<string, (secret: Buffer) => unknown>> = {
  'a small array': (secret) => new Uint8Array(secret),
  'a large array': (secret) => Buffer.concat([new Uint8Array(5000), secret]),
  'a binary string': (secret) => secret.toString('latin1'),
  'a number': (secret) => Buffer.from(secret).reverse(),
  hex: (secret) => secret.toString('hex'),
  base64: (secret) => secret.toString('base64'),
  'UTF-16': (secret) => `\u20ac${secret.toString('latin1')}`,
};

const kept: unknown[] = [];

await waitToBeSearched(async (needles) => {
  for (const [way, keep] of Object.entries(WAYS_TO_KEEP)) {
    const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(48)));
    secret[0] = 0; // which heap snapshots do not write as it is
    needles.add(way, secret);
    kept.push(keep(secret));
    secret.fill(0);
  }
});

process.on('exit', () => kept.length);
