import { KeyWrapError } from '@keywrap/core';
import { VaultKeyWrapProvider, type VaultKeyWrapProviderOptions } from '@keywrap/provider-vault';
import { expect } from 'chai';
import type { Vault } from './openbao.js';
import { type FaultyProxy, startProxy } from './proxy.js';

/** Returns the error of a rejected promise, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}

/** Returns the error that a function throws, which must be one of the contract. */
export function thrown(work: () => unknown): Promise<KeyWrapError> {
  return rejection((async () => work())());
}

/** A transit engine of its own, and a provider that reaches it through a proxy. */
export interface Engine {
  readonly mount: string;
  readonly proxy: FaultyProxy;
  readonly provider: VaultKeyWrapProvider;
  readonly arnOf: (key: string) => string;
  /** Calls a path of the engine with the administrator's token. */
  post(path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
  open(options?: VaultKeyWrapProviderOptions): VaultKeyWrapProvider;
}

/** Runs a test with an engine. */
export async function withEngine(
  vault: Vault,
  test: (engine: Engine) => Promise<void>,
): Promise<void> {
  const mount = await vault.mount();
  const proxy = await startProxy(vault.address);
  const address = proxy.address;
  const open = (options = {}) =>
    new VaultKeyWrapProvider({ address, mount, token: vault.token, ...options });
  const post: Engine['post'] = async (path, body = {}) =>
    (await vault.request('POST', `${mount}/${path}`, body)).data;
  const arnOf = (key: string) => `arn:vault:kms:root:${mount}:key/${key}`;
  try {
    await test({ mount, proxy, provider: open(), arnOf, post, open });
  } finally {
    await proxy.close();
    await vault.request('DELETE', `sys/mounts/${mount}`);
  }
}

export function base64(value: Uint8Array | string): string {
  return Buffer.from(value).toString('base64');
}
