import {
  type Call,
  type DataKeyOutput,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  DriverProvider,
  type EncryptOutput,
  type EncryptRequest,
  type KeyDescription,
  KeyNotFoundError,
  type KeyWrapDriver,
  serializeEncryptionContext,
} from '@keywrap/core';

/**
 * A backend that counts what it is asked and remembers every plaintext that it gave away, in the very
 * memory, so that tests see whether it was wiped. Its ciphertext is the plaintext in the clear.
 */
class BackendDriver implements KeyWrapDriver {
  readonly id = 'test';
  readonly capabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: true,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  } as const;
  readonly given: Uint8Array[] = [];
  readonly calls: Call[] = [];
  /** Calls wait for it. */
  gate: Promise<void> = Promise.resolve();
  isClosed = false;

  async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const plaintext = crypto.getRandomValues(new Uint8Array(request.numberOfBytes));
    const sealed = await this.encrypt({ ...request, plaintext }, call);
    return { ...sealed, plaintext: this.#record(plaintext) };
  }

  async encrypt(
    { key: { text: keyId }, encryptionContext, plaintext }: EncryptRequest,
    call: Call,
  ): Promise<EncryptOutput> {
    await this.#answer(keyId, call);
    const bound = serializeEncryptionContext(encryptionContext);
    const ciphertext = Uint8Array.of(plaintext.length, ...plaintext, ...bound);
    return { ciphertext, keyId: arn(keyId) };
  }

  async decrypt({ key, ciphertext }: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const keyId = key?.text ?? 'found';
    const plaintext = ciphertext.slice(1, 1 + (ciphertext[0] as number));
    await this.#answer(keyId, call);
    return { plaintext: this.#record(plaintext), keyId: arn(keyId) };
  }

  async describeKey(): Promise<KeyDescription> {
    throw new KeyNotFoundError('not here');
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #answer(keyId: string, call: Call): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (keyId === 'missing') throw new KeyNotFoundError('there is no such key', { keyId });
  }

  #record(plaintext: Uint8Array): Uint8Array {
    this.given.push(plaintext);
    return plaintext;
  }
}

/** A provider over it, which shows what the driver was asked. */
export class Backend extends DriverProvider {
  readonly #driver: BackendDriver;

  constructor(driver = new BackendDriver()) {
    super(driver);
    this.#driver = driver;
  }

  get given(): readonly Uint8Array[] {
    return this.#driver.given;
  }

  get calls(): readonly Call[] {
    return this.#driver.calls;
  }

  get isClosed(): boolean {
    return this.#driver.isClosed;
  }

  set gate(gate: Promise<void>) {
    this.#driver.gate = gate;
  }
}

/** Whether nothing is left of a secret. A random one has a zero for its every byte once in 2^256. */
export function isWiped(secret: Uint8Array | undefined): boolean {
  return secret?.every((byte) => byte === 0) ?? false;
}

/** A gate, closed until it is opened. */
export function makeGate(): { readonly gate: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { gate, open };
}

const arn = (keyId: string) => `arn:aws:kms:eu-west-1:111122223333:key/${keyId}`;
