import { createProvider, type KeyWrapProvider } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import type { ConformanceHarness } from '@keywrap/testkit';
import { bare } from './bare.js';
import { EVERYTHING, RSA_ALONE, UNNAMED } from './capabilities.js';
import { changing, constant, keyAndVersion, text } from './headers.js';
import { inOtherRealm } from './other-realm.js';
import { type Shape, ShapedDriver } from './shaped-driver.js';
import { slow } from './slow.js';
import { workerDriver } from './worker-driver.js';

const NAMED = keyAndVersion();
const LIKE_KMS: Shape = { capabilities: EVERYTHING, header: NAMED, saysVersion: true };

const NAMES = ['orders.v2', 'global/ring/key', 'vault:key', 'my key', '100%'];

function shaped(
  name: string,
  shapeOf: () => Shape,
  around: (provider: KeyWrapProvider) => KeyWrapProvider = (provider) => provider,
): ConformanceHarness {
  return {
    name,
    async open() {
      const driver = new ShapedDriver(shapeOf());
      const provider = around(createProvider(driver));
      return { provider, keys: driver.harnessKeys, cache: withDataKeyCache };
    },
  };
}

/** Right providers of every shape that the contract allows; their names say how they differ from AWS KMS. */
export const rightProviders: readonly ConformanceHarness[] = [
  shaped('the bare interface', () => LIKE_KMS, bare),
  shaped('results of another realm', () => LIKE_KMS, inOtherRealm),
  shaped('RSA keys alone, SHA-1 alone, data keys under them', () => ({
    capabilities: RSA_ALONE,
    header: NAMED,
    hasNoDates: true,
  })),
  shaped('one hash for each RSA key', () => ({
    ...LIKE_KMS,
    capabilities: { ...EVERYTHING, oneAlgorithmPerKey: true },
  })),
  shaped('RSA ciphertexts with the key version in front, and RSA keys that rotate', () => ({
    ...LIKE_KMS,
    rsaVersionLength: 16,
  })),
  shaped('no key id in the ciphertext, which is canonical text', () => ({
    capabilities: UNNAMED,
    header: text,
    saysVersion: true,
  })),
  shaped('an opaque header that stays when a key is rotated', () => ({
    capabilities: UNNAMED,
    header: constant(),
  })),
  shaped('an opaque header that changes when a key is rotated', () => ({
    capabilities: UNNAMED,
    header: changing(),
  })),
  // 37 bytes of header, 12 of nonce, 2 of length, 4096 of padded plaintext, 16 of tag.
  shaped('ciphertexts of 4,163 bytes, whatever the plaintext', () => ({
    ...LIKE_KMS,
    header: keyAndVersion(5),
    padTo: 4096,
  })),
  shaped('lower limits, as an HSM has them', () => ({
    ...LIKE_KMS,
    capabilities: {
      ...EVERYTHING,
      limits: { plaintext: 128, ciphertext: 1024, encryptionContext: 1024 },
    },
  })),
  shaped('keys that only decrypt, and no creation dates', () => ({
    ...LIKE_KMS,
    restricts: true,
    hasNoDates: true,
  })),
  shaped('names with dots, slashes, colons and blanks', () => ({
    ...LIKE_KMS,
    nameOf: (index) => `${NAMES[index % NAMES.length]}.${index}`,
  })),
  shaped('key ids that count from 1', () => ({
    ...LIKE_KMS,
    nameOf: (index) => `${index + 1}`,
  })),
  {
    name: 'a driver in a worker thread',
    async open() {
      const { driver, keys } = workerDriver(EVERYTHING);
      return { provider: createProvider(driver), keys, cache: withDataKeyCache };
    },
  },
];

const taking = (milliseconds: number) =>
  shaped(
    `${milliseconds} ms a call`,
    () => LIKE_KMS,
    (provider) => slow(provider, milliseconds),
  );

/** Right providers whose backends are far away. */
export const slowProviders: readonly ConformanceHarness[] = [taking(20), taking(160)];
