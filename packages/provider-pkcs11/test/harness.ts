import { randomUUID } from 'node:crypto';
import { formatKeyArn, parseKeyId } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { Pkcs11KeyWrapProvider } from '@keywrap/provider-pkcs11';
import type { ConformanceHarness } from '@keywrap/testkit';
import type { TestToken } from './test-token.js';
import { allow, destroy, makeKey } from './token-keys.js';

/** Runs the suite with keys of a token, which all providers share. */
export function pkcs11Harness(name: string, token: TestToken): ConformanceHarness {
  return {
    name,
    async open() {
      const aliases = new Map<string, string>();
      const options = { ...token.options, aliases: (alias: string) => aliases.get(alias) };
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, labelIn(keyArn));
      };
      return {
        provider: await Pkcs11KeyWrapProvider.open(options),
        reopen: () => Pkcs11KeyWrapProvider.open(options),
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            const label = randomUUID();
            makeKey(token, label, keySpec, origin ?? keyUsage);
            return { keyId: formatKeyArn(label, token.scope) };
          },
          async createForeign() {
            const label = randomUUID();
            makeKey(token, label, 'HMAC_256', 'GENERATE_VERIFY_MAC');
            return { keyId: formatKeyArn(label, token.scope) };
          },
          alias: setAlias,
          moveAlias: setAlias,
          disable: async (keyArn) => allow(token, labelIn(keyArn), []),
          enable: async (keyArn) => allow(token, labelIn(keyArn), ['encrypt', 'decrypt']),
          restrictToDecrypt: async (keyArn: string) => allow(token, labelIn(keyArn), ['decrypt']),
          destroy: async (keyArn) => destroy(token, labelIn(keyArn)),
        },
        cache: withDataKeyCache,
      };
    },
  };
}

function labelIn(keyArn: string): string {
  return (parseKeyId(keyArn) as { readonly id: string }).id;
}
