import { generateKeyPairSync } from 'node:crypto';
import {
  open,
  openFields,
  openJson,
  openStream,
  parseMessageHeader,
  reseal,
  seal,
  sealFields,
  sealForPublicKey,
  sealJson,
  sealStream,
} from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyMaterial = privateKey.export({ type: 'pkcs8', format: 'der' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

/** Calls everything that the envelope exports, with every kind of key and option. */
export async function useEnvelope(): Promise<void> {
  const keys = new LocalKeyWrapProvider({
    keys: ['alias/a', 'alias/b', { keyId: 'alias/rsa', keySpec: 'RSA_2048', keyMaterial }],
  });
  const encryptionContext = { id: '7' };
  const name = { namespace: 'partners', name: 'inbox' };
  const sealing = { keyId: 'alias/a', encryptionContext };
  const opening = { trustedKeys: ['alias/a'], encryptionContext };
  const data = new Uint8Array(10_000);
  for (const signed of [false, true]) {
    const otherKeys = ['alias/b', { publicKey: spki, ...name }];
    const message = await seal(keys, { ...sealing, signed, otherKeys }, data);
    parseMessageHeader(message);
    await open(keys, message, opening);
    await open(keys, message, { ...opening, trustedKeys: [{ keyId: 'alias/rsa', ...name }] });
    await reseal(keys, message, opening, { keyId: 'alias/b' });
    message[message.length - 1] = (message.at(-1) as number) ^ 1;
    await open(keys, message, opening).catch(() => {});
  }
  await sealForPublicKey({ publicKey: spki, ...name }, {}, data);
  await openJson(keys, await sealJson(keys, sealing, { a: 1 }), opening);
  const fields = ['/a/b'];
  const row = await sealFields(keys, { ...sealing, fields }, { a: { b: 1 } });
  await openFields(keys, row, { ...opening, fields });
  await ReadableStream.from([data])
    .pipeThrough(sealStream(keys, sealing))
    .pipeThrough(openStream(keys, opening))
    .pipeTo(new WritableStream());
  const seals = sealTransform(keys, sealing);
  seals.end(data);
  const opens = openTransform(keys, opening);
  for await (const chunk of seals.pipe(opens)) void chunk;
  await keys.close();
}
