import {
  AbstractKeyWrapProvider,
  type CallContext,
  type DecryptOutput,
  type LegacyDecryptRequest as DecryptRequest,
  type EncryptOutput,
  type LegacyEncryptRequest as EncryptRequest,
  type GenerateDataKeyOutput,
  type GenerateDataKeyRequest,
  type KeyDescription,
  KeyNotFoundError,
  serializeEncryptionContext,
} from '@keywrap/core';

/**
 * A backend that counts what it is asked and remembers every plaintext that it gave away, in the very
 * memory, so that tests see whether it was wiped. Its ciphertext is the plaintext in the clear.
 */
export class Backend extends AbstractKeyWrapProvider {
  readonly id = 'test';
  readonly capabilities = {
    algorithms: ['SYMMETRIC_DEFAULT'],
    encryptionContext: true,
    keyIdFromCiphertext: true,
    dataKeys: true,
    dataKeyPairSpecs: [],
  } as const;
  readonly given: Uint8Array[] = [];
  readonly calls: CallContext[] = [];
  /** Calls wait for it. */
  gate: Promise<void> = Promise.resolve();
  isClosed = false;

  protected override async doGenerateDataKey(
    request: GenerateDataKeyRequest,
    call: CallContext,
  ): Promise<GenerateDataKeyOutput> {
    const plaintext = crypto.getRandomValues(new Uint8Array(request.numberOfBytes));
    const sealed = await this.doEncrypt(
      { ...request, algorithm: 'SYMMETRIC_DEFAULT', plaintext },
      call,
    );
    return { ...sealed, plaintext: this.#give(plaintext) };
  }

  protected override async doEncrypt(
    { keyId, encryptionContext, plaintext }: EncryptRequest,
    call: CallContext,
  ): Promise<EncryptOutput> {
    await this.#answer(keyId, call);
    const bound = serializeEncryptionContext(encryptionContext);
    const ciphertext = Uint8Array.of(plaintext.length, ...plaintext, ...bound);
    return { ciphertext, keyId: arn(keyId) };
  }

  protected override async doDecrypt(
    { keyId = 'found', ciphertext }: DecryptRequest,
    call: CallContext,
  ): Promise<DecryptOutput> {
    const plaintext = ciphertext.slice(1, 1 + (ciphertext[0] as number));
    await this.#answer(keyId, call);
    return { plaintext: this.#give(plaintext), keyId: arn(keyId) };
  }

  protected override async doDescribeKey(): Promise<KeyDescription> {
    throw new KeyNotFoundError('not here');
  }

  protected override async doClose(): Promise<void> {
    this.isClosed = true;
  }

  async #answer(keyId: string, call: CallContext): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (keyId === 'missing') throw new KeyNotFoundError('there is no such key', { keyId });
  }

  #give(plaintext: Uint8Array): Uint8Array {
    this.given.push(plaintext);
    return plaintext;
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
