import {
  DriverProvider,
  type KeyDescription,
  type KeyWrapDriver,
  type KeyWrapError,
  type ProviderCapabilities,
} from '@keywrap/core';

export const ARN = 'arn:aws:kms:eu-west-1:111122223333:key/orders';
export const OTHER_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/archive';

export const EVERYTHING: ProviderCapabilities = {
  algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: [
    'RSA_2048',
    'RSA_3072',
    'RSA_4096',
    'ECC_NIST_P256',
    'ECC_NIST_P384',
    'ECC_NIST_P521',
    'ECC_SECG_P256K1',
  ],
};

export const DESCRIPTION: KeyDescription = {
  keyId: ARN,
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  keyState: 'Enabled',
  origin: 'AWS_KMS',
  algorithms: ['SYMMETRIC_DEFAULT'],
  description: '',
  creationDate: new Date(0),
};

/** The functions of a driver, written in the test that needs them. */
export type Script = Required<
  Pick<
    KeyWrapDriver,
    'encrypt' | 'decrypt' | 'describeKey' | 'generateDataKeyPair' | 'getPublicKey' | 'close'
  >
>;

const HARMLESS: Script = {
  encrypt: async () => ({ ciphertext: Uint8Array.of(1, 2, 3), keyId: ARN }),
  decrypt: async () => ({ plaintext: Uint8Array.of(4, 5, 6), keyId: ARN }),
  describeKey: async () => DESCRIPTION,
  generateDataKeyPair: async () => ({
    publicKey: Uint8Array.of(7),
    privateKey: Uint8Array.of(8),
    privateKeyCiphertext: Uint8Array.of(9),
    keyId: ARN,
  }),
  getPublicKey: async () => ({
    publicKey: Uint8Array.of(7),
    keyId: ARN,
    keySpec: 'RSA_2048',
    keyUsage: 'ENCRYPT_DECRYPT',
    algorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  }),
  close: async () => {},
};

/** A driver with the functions that have no default, so that the defaults of the others can be seen. */
export function minimalDriver(
  script: Partial<KeyWrapDriver> = {},
  capabilities: Partial<ProviderCapabilities> = {},
): KeyWrapDriver {
  const { encrypt, decrypt, describeKey } = HARMLESS;
  return {
    id: 'scripted',
    capabilities: { ...EVERYTHING, ...capabilities },
    encrypt,
    decrypt,
    describeKey,
    ...script,
  };
}

/** A provider over {@link minimalDriver}. */
export class MinimalProvider extends DriverProvider {
  constructor(
    script: Partial<KeyWrapDriver> = {},
    capabilities: Partial<ProviderCapabilities> = {},
  ) {
    super(minimalDriver(script, capabilities));
  }
}

/** A provider with every function that a backend needs. */
export class ScriptedProvider extends MinimalProvider {
  // Private, because a provider with fields counts as one that does more than its driver.
  readonly #script: Script;

  constructor(
    script: Partial<KeyWrapDriver> = {},
    capabilities: Partial<ProviderCapabilities> = {},
  ) {
    const whole = { ...HARMLESS, ...script };
    super(whole, capabilities);
    this.#script = whole;
  }

  get script(): Script {
    return this.#script;
  }
}

/** A {@link ScriptedProvider} with `mapError`. */
export class MappingProvider extends ScriptedProvider {
  constructor(
    script: Partial<Script>,
    meaning: (error: unknown, step: string) => KeyWrapError | undefined,
  ) {
    super({ ...script, mapError: meaning });
  }
}

/** Every method of a provider, with an input that it accepts. */
export const CALLS = {
  encrypt: { plaintext: Uint8Array.of(1), keyId: 'alias/orders' },
  decrypt: { ciphertext: Uint8Array.of(1), keyId: 'alias/orders' },
  decryptAsymmetric: {
    ciphertext: Uint8Array.of(1),
    keyId: 'alias/orders',
    algorithm: 'RSAES_OAEP_SHA_256',
  },
  reEncrypt: {
    ciphertext: Uint8Array.of(1),
    source: { keyId: 'alias/archive' },
    destination: { keyId: 'alias/orders' },
  },
  generateDataKey: { keyId: 'alias/orders', keySpec: 'AES_256' },
  generateDataKeyWithoutPlaintext: { keyId: 'alias/orders', keySpec: 'AES_128' },
  generateDataKeyPair: { keyId: 'alias/orders', keyPairSpec: 'ECC_NIST_P256' },
  generateDataKeyPairWithoutPlaintext: { keyId: 'alias/orders', keyPairSpec: 'RSA_2048' },
  getPublicKey: { keyId: 'alias/orders' },
  describeKey: { keyId: 'alias/orders' },
} as const;

export type Method = keyof typeof CALLS;

export const METHODS = Object.keys(CALLS) as Method[];

/** Calls a method with input of any kind. */
export function callMethod(
  provider: { [name in Method]: (input: never, options?: never) => Promise<unknown> },
  method: Method,
  input: unknown,
  options?: unknown,
): Promise<unknown> {
  return provider[method](input as never, options as never);
}
