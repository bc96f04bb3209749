/** What somebody may put on Object.prototype: by the names that the project, the AWS SDK and the language use. */
export function pollutions(wrongArn: string, deadEndpoint: string): Record<string, unknown> {
  const nines = new Uint8Array(9).fill(9);
  return {
    // The contract's input, options and results.
    keyId: wrongArn,
    plaintext: nines,
    ciphertext: nines,
    encryptionContext: { wrong: 'yes' },
    algorithm: 'RSAES_OAEP_SHA_256',
    keySpec: 'AES_128',
    numberOfBytes: 1,
    source: { keyId: wrongArn },
    destination: { keyId: wrongArn },
    signal: AbortSignal.abort(),
    grantTokens: ['wrong'],
    bytesToEncrypt: 1,
    privateKey: nines,
    publicKey: nines,
    // What the providers keep.
    id: 'wrong',
    alias: 'alias/wrong',
    region: 'eu-wrong-1',
    account: '999999999999',
    partition: 'aws-wrong',
    engine: 'forge',
    store: {},
    keys: ['alias/wrong'],
    now: () => new Date(0),
    passphrase: 'wrong',
    provider: 'wrong',
    create: true,
    deletionDate: new Date(0),
    validTo: new Date(0),
    pending: { id: 'wrong', material: nines },
    automaticRotation: { periodInDays: 0, nextDate: new Date(0) },
    material: new Uint8Array(32),
    materials: [{ version: 1, material: new Uint8Array(32) }],
    aes: { seal: () => nines, open: () => nines },
    blobHeader: nines,
    record: { id: 'wrong' },
    pinned: { keyId: wrongArn, ciphertext: nines },
    unnamed: { keyId: wrongArn },
    hit: nines,
    // AWS KMS's own names, and the SDK's.
    KeyId: wrongArn,
    SourceKeyId: wrongArn,
    DestinationKeyId: wrongArn,
    Plaintext: nines,
    CiphertextBlob: nines,
    EncryptionContext: { wrong: 'yes' },
    SourceEncryptionContext: { wrong: 'yes' },
    EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    GrantTokens: ['wrong'],
    KeySpec: 'AES_128',
    NumberOfBytes: 1,
    DryRun: true,
    Recipient: { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' },
    endpoint: deadEndpoint,
    credentials: { accessKeyId: 'wrong', secretAccessKey: 'wrong' },
    profile: 'wrong',
    client: { send: async () => ({ KeyId: wrongArn, CiphertextBlob: nines, Plaintext: nines }) },
    abortSignal: AbortSignal.abort(),
    // The language's.
    get: () => 'wrong',
    set: () => {},
    value: 'wrong',
    enumerable: true,
    writable: false,
    // biome-ignore lint/suspicious/noThenProperty: that is the attack
    then: (resolve: (value: unknown) => void) => resolve('wrong'),
    toJSON: () => ({ wrong: 'yes' }),
    toString: () => 'wrong',
    valueOf: () => 1,
    length: 1,
    0: 'wrong',
    name: 'wrong',
    code: 'wrong',
    cause: 'wrong',
    constructor: 'wrong',
    hasOwnProperty: () => true,
  };
}

/** @returns What makes the prototype clean again. */
export function pollute(name: string, value: unknown): () => void {
  const { prototype } = Object;
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  const polluted = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(prototype, name, Object.assign(Object.create(null), polluted));
  return () => {
    Reflect.deleteProperty(prototype, name);
    if (before !== undefined) Object.defineProperty(prototype, name, before);
  };
}

/** Pollutes until the work is over. */
export async function whilePolluted<T>(
  name: string,
  value: unknown,
  work: () => Promise<T>,
): Promise<T> {
  const clean = pollute(name, value);
  try {
    return await work();
  } finally {
    clean();
  }
}
