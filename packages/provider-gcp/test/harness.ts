import { type AsymmetricAlgorithm, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import type { ConformanceHarness } from '@keywrap/testkit';
import { CloudKmsError, code } from './cloud-kms-errors.js';
import { arnOf, resourceIn, startServer } from './server.js';

/** Runs the suite against the double, or against the service that the environment names. */
export function gcpHarness(name: string, protectionLevel: 'SOFTWARE' | 'HSM'): ConformanceHarness {
  return {
    name,
    async open() {
      const server = await startServer();
      const { double } = server;
      const aliases = new Map<string, string>();
      const provider = () => server.open({ aliases: (alias) => aliases.get(alias) });
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, resourceIn(keyArn));
      };
      const make = async (
        purpose: 'ENCRYPT_DECRYPT' | 'ASYMMETRIC_DECRYPT' | 'ASYMMETRIC_SIGN' | 'MAC',
        algorithm: string,
        isImported = false,
      ) => {
        const versionTemplate = { algorithm, protectionLevel } as never;
        const key = { purpose, versionTemplate, importOnly: isImported };
        return { keyId: arnOf(await server.create(key, isImported)) };
      };
      return {
        provider: provider(),
        reopen: async () => provider(),
        cache: withDataKeyCache,
        keys: {
          async create({ keySpec, keyUsage, origin, algorithm = 'RSAES_OAEP_SHA_256' }) {
            const isImported = origin === 'EXTERNAL';
            const encrypts = keyUsage === 'ENCRYPT_DECRYPT';
            const [kind, bits = ''] = keySpec.split('_');
            if (keySpec === 'SYMMETRIC_DEFAULT') {
              return make('ENCRYPT_DECRYPT', 'GOOGLE_SYMMETRIC_ENCRYPTION', isImported);
            }
            if (kind === 'RSA' && encrypts) {
              return make('ASYMMETRIC_DECRYPT', rsaAlgorithm(bits, algorithm), isImported);
            }
            if (kind === 'RSA') return make('ASYMMETRIC_SIGN', `RSA_SIGN_PSS_${bits}_SHA256`);
            if (kind === 'HMAC') return make('MAC', `HMAC_SHA${bits}`);
            if (keySpec === 'ECC_NIST_P256' && keyUsage === 'SIGN_VERIFY') {
              return make('ASYMMETRIC_SIGN', 'EC_SIGN_P256_SHA256');
            }
            throw new UnsupportedOperationError(`no ${keySpec} keys here`);
          },
          createForeign: () => make('ASYMMETRIC_SIGN', 'EC_SIGN_P256_SHA256'),
          alias: setAlias,
          moveAlias: setAlias,
          disable: (keyArn) => server.change(resourceIn(keyArn), 'DISABLED'),
          enable: (keyArn) => server.change(resourceIn(keyArn), 'ENABLED'),
          scheduleDeletion: (keyArn) => server.change(resourceIn(keyArn), 'DESTROY_SCHEDULED'),
          deleteSoftly: (keyArn) => server.change(resourceIn(keyArn), 'DESTROY_SCHEDULED'),
          rotate: (keyArn) => server.rotate(resourceIn(keyArn)),
          async removeOldVersions(keyArn) {
            const resource = resourceIn(keyArn);
            const [{ primary }] = await server.admin.getCryptoKey({ name: resource });
            const [versions] = await server.admin.listCryptoKeyVersions({ parent: resource });
            // An asymmetric key has no primary version: the newest is used.
            const numberOf = (version: string) => Number(version.split('/').at(-1));
            const newest = Math.max(...versions.map(({ name }) => numberOf(`${name}`)));
            const isOld = (version: string) =>
              primary ? version !== primary.name : numberOf(version) !== newest;
            await server.change(resource, 'DESTROY_SCHEDULED', isOld);
          },
          // A real service destroys in a day at the earliest, and its rights are those of the environment.
          ...(double && {
            destroy: async (keyArn: string) => double.remove(resourceIn(keyArn)),
            async deny(keyArn: string, right: 'use' | 'describe') {
              const name = resourceIn(keyArn);
              const [{ purpose }] = await server.admin.getCryptoKey({ name });
              if (right === 'describe' && purpose !== 'ENCRYPT_DECRYPT') {
                throw new UnsupportedOperationError(
                  'who may not read a key finds no version of it',
                );
              }
              double.deny(name, right);
            },
          }),
        },
        ...(double && {
          async fail(kind) {
            const codes = {
              throttled: code.RESOURCE_EXHAUSTED,
              denied: code.PERMISSION_DENIED,
              unavailable: code.UNAVAILABLE,
              failed: code.INTERNAL,
            };
            double.fault =
              kind === undefined ? undefined : () => new CloudKmsError(codes[kind], kind);
          },
        }),
        close: () => server.close(),
      };
    },
  };
}

function rsaAlgorithm(bits: string, algorithm: AsymmetricAlgorithm): string {
  const hash = algorithm.slice('RSAES_OAEP_SHA_'.length);
  // Google has SHA-512 with 4096 bits only, and no SHA-384.
  if (hash === '384' || (hash === '512' && bits !== '4096')) {
    throw new UnsupportedOperationError(`no keys of ${bits} bits with SHA-${hash} here`);
  }
  return `RSA_DECRYPT_OAEP_${bits}_SHA${hash}`;
}
