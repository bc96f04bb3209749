import { readFileSync } from 'node:fs';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';

const FIXTURES = new URL(
  '../../../../packages/provider-local/test/key-files/fixtures/',
  import.meta.url,
);
const pem = (name: string) => readFileSync(new URL(name, FIXTURES), 'utf8');
const base64 = (length: number) => Buffer.alloc(length, 'keywrap').toString('base64');

const KEYS = [
  { alias: 'alias/aes', keyId: 'aes', keyMaterial: base64(32) },
  { alias: 'alias/rsa', keyId: 'rsa', keySpec: 'RSA_2048', keyMaterial: pem('rsa-2048.pem') },
  { alias: 'alias/ecc', keyId: 'ecc', keySpec: 'ECC_NIST_P256', keyMaterial: pem('p256-sec1.pem') },
  { alias: 'alias/mac', keyId: 'mac', keySpec: 'HMAC_256', keyMaterial: base64(32) },
] as const;

/** A server with keys that are the same every time, so that a finding can be given again. */
export function startServer(onFailure: (failure: string) => void): Promise<KmsServer> {
  return startKmsServer({
    port: 0,
    keys: KEYS,
    log: ({ failure }) => {
      if (failure !== undefined) onFailure(failure);
    },
  });
}
