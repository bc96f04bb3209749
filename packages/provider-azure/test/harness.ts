import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import type { ConformanceHarness, Outage } from '@keywrap/testkit';
import { startVault, type VaultKind } from './server.js';

/** Runs the suite against a vault, or a managed HSM. */
export function azureHarness(name: string, kind: VaultKind): ConformanceHarness {
  return {
    name,
    async open() {
      const vault = await startVault(kind);
      const { double } = vault;
      const aliases = new Map<string, string>();
      const provider = () => vault.open({ aliases: (alias) => aliases.get(alias) });
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, nameIn(keyArn));
      };
      const shared = provider();
      const rsaKeys = new Set<string>();
      const make = async (...key: Parameters<typeof vault.create>) => {
        const name = await vault.create(...key);
        // A disabled key can't be read: the provider knows what it has seen before.
        const { keyId } = await shared.describeKey({ keyId: name });
        return { keyId };
      };
      return {
        provider: shared,
        reopen: async () => provider(),
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            const encrypts = keyUsage === 'ENCRYPT_DECRYPT';
            if (origin === undefined && keySpec.startsWith('RSA_')) {
              const ops = encrypts ? undefined : ['sign', 'verify'];
              const made = await make('RSA', ops, Number(keySpec.slice(4)));
              rsaKeys.add(made.keyId);
              return made;
            }
            if (origin === undefined && keySpec === 'ECC_NIST_P256' && !encrypts) {
              return make('EC', ['sign']);
            }
            if (origin === undefined && keySpec === 'SYMMETRIC_DEFAULT' && kind === 'managed HSM') {
              return make('AES');
            }
            throw new UnsupportedOperationError(`no ${keySpec} keys here`);
          },
          createForeign: () => make('EC', ['sign', 'verify']),
          alias: setAlias,
          moveAlias: setAlias,
          disable: (keyArn) => vault.update(nameIn(keyArn), { enabled: false }),
          enable: (keyArn) => vault.update(nameIn(keyArn), { enabled: true }),
          restrictToDecrypt: (keyArn) => vault.update(nameIn(keyArn), { keyOps: ['decrypt'] }),
          destroy: (keyArn) => vault.remove(nameIn(keyArn)),
          rotate: (keyArn) => vault.rotate(nameIn(keyArn)),
          ...(double && {
            async deny(keyArn: string, right: 'use' | 'describe') {
              if (right === 'describe' && rsaKeys.has(keyArn)) {
                throw new UnsupportedOperationError('a key is read with its public half');
              }
              if (right === 'describe') double.forbidReading(nameIn(keyArn));
              else double.denied.add(`/keys/${nameIn(keyArn)}/`);
            },
          }),
        },
        cache: withDataKeyCache,
        ...(double && {
          fail(kind: Outage | undefined) {
            const status = { throttled: 429, denied: 403, failed: 500 };
            double.fault =
              kind === undefined
                ? undefined
                : (request, response) => {
                    if (kind === 'unavailable') return void request.socket.destroy();
                    return void response
                      .writeHead(status[kind], { 'Content-Type': 'application/json' })
                      .end(JSON.stringify({ error: { code: kind, message: kind } }));
                  };
          },
        }),
        close: () => vault.close(),
      };
    },
  };
}

function nameIn(keyArn: string): string {
  return (parseKeyId(keyArn) as { readonly id: string }).id;
}
