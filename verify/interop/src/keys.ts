import { generateKeyPairSync } from 'node:crypto';
import { KMS } from '@aws-sdk/client-kms';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import type { Surroundings } from './session.js';

const arn = (id: string) => `arn:aws:kms:us-west-2:111122223333:key/${id}`;

/** The keys; the first two are those in the examples of the AWS documentation. */
export const KEYS = {
  first: arn('1234abcd-12ab-34cd-56ef-1234567890ab'),
  second: arn('0987dcba-09fe-87dc-65ba-ab0987654321'),
  rsa: arn('5e7a0000-0000-4000-8000-000000000001'),
  disabled: arn('5e7a0000-0000-4000-8000-000000000002'),
  missing: arn('5e7a0000-0000-4000-8000-000000000003'),
} as const;

/** The data key of the examples. */
export const DATA_KEY = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0);

const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };

/** A server with the keys, and a client that checks the results of the others. */
export interface Bench extends AsyncDisposable {
  readonly surroundings: Surroundings;
  readonly judge: KMS;
  /** The key pair of `KEYS.rsa`, in PEM. */
  readonly rsa: { readonly publicKey: string; readonly privateKey: string };
}

/** Starts a server that verifies signatures, because signing is part of every client. */
export async function openBench(): Promise<Bench> {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const server: KmsServer = await startKmsServer({
    port: 0,
    credentials: [CREDENTIALS],
    keys: [
      { keyId: KEYS.first },
      { keyId: KEYS.second },
      { keyId: KEYS.rsa, keySpec: 'RSA_2048', keyMaterial: rsa.privateKey },
      { keyId: KEYS.disabled },
    ],
  });
  const surroundings = { endpoint: server.url, region: 'us-west-2', ...CREDENTIALS };
  const { endpoint, region } = surroundings;
  const judge = new KMS({ endpoint, region, credentials: CREDENTIALS });
  await judge.disableKey({ KeyId: KEYS.disabled });
  return {
    surroundings,
    judge,
    rsa,
    async [Symbol.asyncDispose]() {
      judge.destroy();
      await server.close();
    },
  };
}
