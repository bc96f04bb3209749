// Runs the suite over local keys in whatever runtime this is, and prints what came of it as JSON.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openKeyWrapProvider } from '@keywrap/core';
import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';
import { keysOf, runConformance } from '@keywrap/testkit';

const CURVES = ['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1'];

/** The code of the error, or undefined if it works. */
const codeOf = (call) =>
  call.then(
    () => undefined,
    ({ code }) => code,
  );

function pairOf(engine, keyPairSpec) {
  const provider = new LocalKeyWrapProvider({ engine, keys: ['alias/a'] });
  return provider.generateDataKeyPair({ keyId: 'alias/a', keyPairSpec });
}

function importing(keySpec, keyMaterial) {
  const key = { keyId: 'alias/b', keySpec, keyUsage: 'SIGN_VERIFY', keyMaterial };
  return new LocalKeyWrapProvider({ keys: [key] }).open();
}

/** Encrypts under a key in an SQLite file, opens the file again, and decrypts. */
async function reopen(folder) {
  const passphraseFile = path.join(folder, 'passphrase');
  await writeFile(passphraseFile, 'correct horse battery staple', { mode: 0o600 });
  const url = `local://${folder}/keys.db?passphraseFile=${passphraseFile}`;
  const first = await openKeyWrapProvider(`${url}&create=true&keys=alias/a`, [localScheme]);
  const plaintext = new TextEncoder().encode('kept');
  const { ciphertext } = await first.encrypt({ keyId: 'alias/a', plaintext });
  await first.close();
  const second = await openKeyWrapProvider(url, [localScheme]);
  const opened = await second.decrypt({ keyId: 'alias/a', ciphertext });
  const kept = new TextDecoder().decode(opened.plaintext);
  await second.close();
  return kept;
}

const { passed, results } = await runConformance(
  {
    name: 'LocalKeyWrapProvider',
    async open() {
      const provider = new LocalKeyWrapProvider();
      return { provider, keys: keysOf(provider) };
    },
  },
  { profile: 'quick' },
);
const failed = results
  .filter(({ level, status }) => level === 'must' && status === 'failed')
  .map(({ id, title }) => `${id}: ${title}`);

const refused = {};
for (const spec of CURVES) {
  const generate = await codeOf(pairOf('auto', spec));
  if (generate !== undefined) refused[`generate ${spec}`] = generate;
  // The engine in JavaScript makes every pair in every runtime.
  const { privateKey } = await pairOf('forge', spec);
  const base64 = Buffer.from(privateKey).toString('base64');
  const pem = `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
  const read = await codeOf(importing(spec, pem));
  if (read !== undefined) refused[`import ${spec}`] = read;
}

const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-runtimes-'));
const kept = await reopen(folder).finally(() => rm(folder, { recursive: true }));
console.log(JSON.stringify({ passed, failed, refused, kept }));
