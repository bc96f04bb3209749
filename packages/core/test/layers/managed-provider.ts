import {
  DriverProvider,
  type KeyRequest,
  type KeyWrapDriver,
  parseKeyInput,
  readFields,
} from '@keywrap/core';
import { ARN, minimalDriver, ScriptedProvider } from '../support/scripted-driver.js';

/** The key material that `exportKey` returns: of each driver, so that a test sees whether it was wiped. */
export type ManagedKeys = {
  rotateKey(request: KeyRequest): Promise<{ keyId: string }>;
  createKey(request: { readonly alias: string }): { keyId: string };
  exportKey(request: KeyRequest): Promise<{ material: Uint8Array }>;
};

/** A provider over a driver that manages keys. */
export class ManagedProvider extends DriverProvider<ManagedKeys> {
  rotateKey(input: { readonly keyId: string }): Promise<{ keyId: string }> {
    return this.run(
      {
        name: 'rotateKey',
        parse: parseKeyInput,
        functionOf: ({ keys }) => keys.rotateKey,
      },
      input,
    );
  }

  createKey(input: { readonly alias: string }): Promise<{ keyId: string }> {
    return this.run(
      {
        name: 'createKey',
        parse: (value) => ({ alias: String(readFields(value, 'input', ['alias']).alias) }),
        functionOf: ({ keys }) => keys.createKey,
      },
      input,
    );
  }

  exportKey(
    input: { readonly keyId: string },
    options?: { readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    return this.run(
      {
        name: 'exportKey',
        parse: parseKeyInput,
        functionOf: ({ keys }) => keys.exportKey,
        finish: ({ material }) => material,
        outputSecrets: ['material'],
      },
      input,
      options,
    );
  }
}

/** A provider that manages keys, with these functions in place of harmless ones. */
export function managed(
  keys: Partial<ManagedKeys> = {},
  script: Partial<KeyWrapDriver> = {},
): ManagedProvider {
  return new ManagedProvider({
    ...(minimalDriver({ ...new ScriptedProvider().script, ...script }) as KeyWrapDriver<never>),
    keys: {
      rotateKey: async () => ({ keyId: ARN }),
      createKey: () => ({ keyId: ARN }),
      exportKey: async () => ({ material: Uint8Array.of(1, 2, 3) }),
      ...keys,
    },
  });
}
