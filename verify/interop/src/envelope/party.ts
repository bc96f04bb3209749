import { createPublicKey } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  type OpenOptions,
  open,
  type RawRsaName,
  type SealOptions,
  seal,
  sealForPublicKey,
  type TrustedKey,
  type WrappingKey,
} from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type Bench, KEYS } from '../keys.js';
import type { Session } from '../session.js';
import { COMMITTING, type KeyName, type Message } from './message.js';

/** Who seals and opens messages, from file to file. */
export interface Party {
  readonly name: string;
  writes(message: Message): boolean;
  seal(message: Message, from: string, to: string): Promise<void>;
  /** Opens it with one key, and checks that it has the pairs. */
  open(message: Message, key: KeyName, from: string, to: string): Promise<void>;
  close(): Promise<void>;
}

const isRaw = (key: KeyName): key is 'rsa-sha1' | 'rsa-sha256' => key.startsWith('rsa-');
const RAW = { namespace: 'partners', name: 'inbox' } as const;

/** The frame lengths that SDKs write, for those that do not write all. */
const FRAMES: Readonly<Record<string, (frameLength: number) => boolean>> = {
  Go: (frameLength) => frameLength > 0,
  JavaScript: (frameLength) => frameLength > 0,
  Rust: (frameLength) => frameLength > 0,
  // "Frame size must be a non-negative multiple of the block size of the crypto algorithm: 128"
  Python: (frameLength) => frameLength % 128 === 0,
};

/** An AWS Encryption SDK, with its KMS keyring and its raw RSA keyring. */
export function sdkParty(session: Session, { rsa }: Bench): Party {
  const call = (operation: string, message: Message, keys: object[], from: string, to: string) => {
    const { suite, context, frameLength: frame_length } = message;
    const request = { suite, keys, context, frame_length, from, to };
    return session.call(operation, JSON.stringify(request));
  };
  const keyOf = (key: KeyName, forOpening: boolean) => {
    if (!isRaw(key)) return { kms: KEYS[key as 'first' | 'second'] };
    const pem = forOpening ? { private_key: rsa.privateKey } : { public_key: rsa.publicKey };
    return { ...RAW, hash: key === 'rsa-sha1' ? 'SHA1' : 'SHA256', ...pem };
  };
  return {
    name: session.client,
    writes: ({ frameLength, keys }) =>
      !keys.includes('offline') && (FRAMES[session.client]?.(frameLength) ?? true),
    async seal(message, from, to) {
      const keys = message.keys.map((key) => keyOf(key, false));
      await call('seal', message, keys, from, to);
    },
    async open(message, key, from, to) {
      await call('open', message, [keyOf(key, true)], from, to);
    },
    close: async () => session.close(),
  };
}

/** This project, in both its forms: whole messages, and streams. */
export function keywrapParties({ surroundings, rsa }: Bench): [whole: Party, streams: Party] {
  const { endpoint, region, accessKeyId, secretAccessKey } = surroundings;
  const credentials = { accessKeyId, secretAccessKey };
  const kms = new KmsKeyWrapProvider({ endpoint, region, credentials });
  const offline = new LocalKeyWrapProvider({ keys: ['alias/offline'] });
  const publicKey = new Uint8Array(
    createPublicKey(rsa.publicKey).export({ format: 'der', type: 'spki' }),
  );
  const rawName = (key: 'rsa-sha1' | 'rsa-sha256'): RawRsaName => ({
    ...RAW,
    algorithm: key === 'rsa-sha1' ? 'RSAES_OAEP_SHA_1' : 'RSAES_OAEP_SHA_256',
  });
  const wrappingKey = (key: KeyName): WrappingKey => {
    if (isRaw(key)) return { ...rawName(key), publicKey };
    if (key === 'offline') return { provider: offline, keyId: 'alias/offline' };
    return KEYS[key];
  };
  const trustedKey = (key: KeyName): TrustedKey => {
    if (isRaw(key)) return { ...rawName(key), keyId: KEYS.rsa };
    if (key === 'offline') return { provider: offline, keyId: 'alias/offline' };
    return KEYS[key];
  };
  const sealing = ({ suite, context, frameLength }: Message) => ({
    signed: suite === 0x0578,
    encryptionContext: context,
    frameLength,
  });
  const sealOptions = (message: Message): SealOptions => {
    const [first, ...others] = message.keys;
    const keyId = KEYS[first as 'first' | 'second'];
    return { ...sealing(message), keyId, otherKeys: others.map(wrappingKey) };
  };
  const openOptions = ({ suite, context }: Message, key: KeyName): OpenOptions => ({
    trustedKeys: [trustedKey(key)],
    encryptionContext: context,
    ...(COMMITTING.includes(suite) ? {} : { commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' }),
  });
  const writes = ({ suite, frameLength }: Message) => COMMITTING.includes(suite) && frameLength > 0;
  return [
    {
      name: 'keywrap',
      writes,
      async seal(message, from, to) {
        const plaintext = await readFile(from);
        const [first = 'first'] = message.keys;
        const sealed = isRaw(first)
          ? await sealForPublicKey({ ...rawName(first), publicKey }, sealing(message), plaintext)
          : await seal(kms, sealOptions(message), plaintext);
        await writeFile(to, sealed);
      },
      async open(message, key, from, to) {
        using opened = await open(kms, await readFile(from), openOptions(message, key));
        await writeFile(to, opened.plaintext);
      },
      async close() {
        await kms.close();
        await offline.close();
      },
    },
    {
      name: 'its streams',
      writes: (message) => writes(message) && !isRaw(message.keys[0] as KeyName),
      seal: (message, from, to) => through(sealTransform(kms, sealOptions(message)), from, to),
      open: (message, key, from, to) =>
        through(openTransform(kms, openOptions(message, key)), from, to),
      close: async () => {},
    },
  ];
}

function through(stream: NodeJS.ReadWriteStream, from: string, to: string): Promise<void> {
  return pipeline(createReadStream(from), stream, createWriteStream(to));
}
