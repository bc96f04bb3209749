import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  assertKeyEnabled,
  type EncryptionAlgorithm,
  formatKeyArn,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeySpec,
  type KeyState,
  KeyStateError,
  type KeyUsage,
  InvalidInputError,
  InvalidKeyUsageError,
  isAsymmetricAlgorithm,
  rsaKeySpecOf,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { Handle } from 'pkcs11js';
import type { Library } from './library.js';
import type { ReadOptions } from './options.js';
import type { Token } from './sessions.js';

/** A key of the token: a secret key, or a private key. */
export interface TokenKey {
  readonly handle: Handle;
  readonly keyId: string;
  readonly isSecret: boolean;
  /** CKK_AES, CKK_RSA, ... */
  readonly type: number;
  readonly canEncrypt: boolean;
  readonly canDecrypt: boolean;
  readonly canSign: boolean;
}

/** Finds keys by their label, and describes them. */
export class TokenKeys {
  readonly #library: Library;
  readonly #scope: { readonly partition: string; readonly region: string; readonly account: string };
  readonly #aliases: ReadOptions['aliases'];
  readonly #rsa: readonly EncryptionAlgorithm[];

  /** @param algorithms What the token encrypts with. */
  constructor(
    library: Library,
    { label, serial }: Token,
    aliases: ReadOptions['aliases'],
    algorithms: readonly EncryptionAlgorithm[],
  ) {
    this.#library = library;
    this.#rsa = algorithms.filter(isAsymmetricAlgorithm);
    this.#scope = { partition: 'pkcs11', region: label || 'token', account: serial || 'none' };
    this.#aliases = aliases;
  }

  /**
   * Finds a key.
   *
   * @throws {@link KeyNotFoundError} when there is none.
   * @throws {@link InvalidInputError} when several have the label.
   */
  find(session: Handle, name: KeyName): TokenKey {
    const label = this.#labelOf(name);
    const { constants: c } = this.#library;
    const handles = [c.CKO_SECRET_KEY, c.CKO_PRIVATE_KEY].flatMap((kind) =>
      this.#objects(session, kind, label),
    );
    const [handle, another] = handles;
    if (handle === undefined) {
      throw new KeyNotFoundError('the token has no key with this label, or the PIN does not show it');
    }
    if (another !== undefined) {
      throw new InvalidInputError(
        'keyId',
        'is the label of several keys of the token: give each a label of its own',
      );
    }
    return this.#read(session, handle, formatKeyArn(label, this.#scope));
  }

  describe(session: Handle, key: TokenKey): KeyDescription {
    const { keySpec, keyUsage, algorithms } = this.#kindOf(session, key);
    return {
      keyId: key.keyId,
      keySpec,
      keyUsage,
      algorithms,
      keyState: stateOf(key, keyUsage),
      origin: 'HSM',
      description: '',
      creationDate: undefined,
    };
  }

  /** Returns the public half of an RSA key, from the private one's attributes. */
  publicKeyOf(session: Handle, { handle, type }: TokenKey): KeyObject {
    const { constants: c } = this.#library;
    if (type !== c.CKK_RSA) throw new UnsupportedOperationError('the key has no public key');
    const [n, e] = this.#attributes(session, handle, [c.CKA_MODULUS, c.CKA_PUBLIC_EXPONENT]).map(
      (bytes) => stripped(bytes).toString('base64url'),
    ) as [string, string];
    return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  }

  /**
   * Rejects a key that can't be used now, or not for this.
   *
   * @throws {@link KeyWrapError}
   */
  assertUsable(
    session: Handle,
    key: TokenKey,
    algorithm: EncryptionAlgorithm,
    use: 'encrypt' | 'decrypt',
  ): void {
    const { constants: c } = this.#library;
    const fits = key.type === (isAsymmetricAlgorithm(algorithm) ? c.CKK_RSA : c.CKK_AES);
    const keyUsage = usageOf(key);
    if (fits && keyUsage === 'ENCRYPT_DECRYPT') {
      const state = stateOf(key, keyUsage);
      if (state === 'DecryptOnly' && use === 'encrypt') {
        throw new KeyStateError('the key may decrypt only (CKA_ENCRYPT is false)', key);
      }
      if (state !== 'DecryptOnly') {
        assertKeyEnabled({ keyId: key.keyId, keyUsage, keyState: state, keySpec: 'SYMMETRIC_DEFAULT' });
      }
      if (!this.#kindOf(session, key).algorithms.includes(algorithm)) throw wrongUse(key);
      return;
    }
    throw wrongUse(key);
  }

  #labelOf(name: KeyName): string {
    const isHere =
      !('partition' in name) ||
      (['partition', 'region', 'account'] as const).every((part) => name[part] === this.#scope[part]);
    if (!isHere) throw new KeyNotFoundError('the ARN is of a key of another token');
    if (name.kind === 'key-id' || name.kind === 'key-arn') return name.id;
    return this.#aliases(name.alias) ?? name.alias.replace(/^alias\//, '');
  }

  #objects(session: Handle, kind: number, label: string): Handle[] {
    const { calls, constants: c } = this.#library;
    calls.C_FindObjectsInit(session, [
      { type: c.CKA_CLASS, value: kind },
      { type: c.CKA_TOKEN, value: true },
      { type: c.CKA_LABEL, value: label },
    ]);
    try {
      return calls.C_FindObjects(session, 2);
    } finally {
      calls.C_FindObjectsFinal(session);
    }
  }

  #read(session: Handle, handle: Handle, keyId: string): TokenKey {
    const { constants: c } = this.#library;
    const flags = [c.CKA_ENCRYPT, c.CKA_DECRYPT, c.CKA_SIGN];
    const [kind, type] = this.#attributes(session, handle, [c.CKA_CLASS, c.CKA_KEY_TYPE]);
    const isSecret = numberIn(kind) === c.CKO_SECRET_KEY;
    // A private key has no CKA_ENCRYPT.
    const [canEncrypt, canDecrypt, canSign] = flags.map(
      (flag) => (isSecret || flag !== c.CKA_ENCRYPT) && this.#isSet(session, handle, flag),
    ) as [boolean, boolean, boolean];
    return { handle, keyId, isSecret, type: numberIn(type), canEncrypt, canDecrypt, canSign };
  }

  #isSet(session: Handle, handle: Handle, attribute: number): boolean {
    try {
      return this.#attributes(session, handle, [attribute])[0]?.[0] === 1;
    } catch {
      return false;
    }
  }

  #attributes(session: Handle, handle: Handle, types: readonly number[]): Buffer[] {
    const template = types.map((type) => ({ type }));
    return this.#library.calls
      .C_GetAttributeValue(session, handle, template)
      .map(({ value }) => value as Buffer);
  }

  #kindOf(session: Handle, key: TokenKey): Kind {
    const { constants: c } = this.#library;
    const keyUsage = usageOf(key);
    if (key.type === c.CKK_AES) {
      const algorithms = keyUsage === 'ENCRYPT_DECRYPT' ? (['SYMMETRIC_DEFAULT'] as const) : [];
      return { keySpec: 'SYMMETRIC_DEFAULT', keyUsage, algorithms };
    }
    if (key.type === c.CKK_RSA) {
      const [modulus = Buffer.alloc(0)] = this.#attributes(session, key.handle, [c.CKA_MODULUS]);
      const keySpec = rsaKeySpecOf(stripped(modulus).length);
      if (keySpec !== undefined) {
        return { keySpec, keyUsage, algorithms: keyUsage === 'ENCRYPT_DECRYPT' ? this.#rsa : [] };
      }
    }
    if (key.type === c.CKK_EC) {
      const [parameters] = this.#attributes(session, key.handle, [c.CKA_EC_PARAMS]);
      const keySpec = CURVES[parameters?.toString('hex') ?? ''];
      if (keySpec !== undefined) return { keySpec, keyUsage: 'SIGN_VERIFY', algorithms: [] };
    }
    throw new UnsupportedOperationError(`keys of the type ${key.type} of PKCS#11 have no name here`);
  }
}

interface Kind {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly algorithms: readonly EncryptionAlgorithm[];
}

/** DER of the curves' object identifiers, as CKA_EC_PARAMS has them. */
const CURVES: Readonly<Record<string, KeySpec>> = {
  '06082a8648ce3d030107': 'ECC_NIST_P256',
  '06052b81040022': 'ECC_NIST_P384',
  '06052b81040023': 'ECC_NIST_P521',
  '06052b8104000a': 'ECC_SECG_P256K1',
};

function usageOf({ canEncrypt, canDecrypt, canSign, isSecret }: TokenKey): KeyUsage {
  if (canEncrypt || canDecrypt || !canSign) return 'ENCRYPT_DECRYPT';
  return isSecret ? 'GENERATE_VERIFY_MAC' : 'SIGN_VERIFY';
}

/** A key that may do nothing is disabled: an administrator clears its attributes, and sets them again. */
function stateOf({ canEncrypt, canDecrypt, isSecret }: TokenKey, usage: KeyUsage): KeyState {
  if (usage !== 'ENCRYPT_DECRYPT' || (canDecrypt && (canEncrypt || !isSecret))) return 'Enabled';
  return canDecrypt ? 'DecryptOnly' : 'Disabled';
}

function wrongUse({ keyId }: TokenKey): InvalidKeyUsageError {
  return new InvalidKeyUsageError(
    'the key is not for this operation, or not for this algorithm; see describeKey',
    { keyId },
  );
}

/** Reads a CK_ULONG: 4 or 8 bytes in the machine's order. */
export function numberIn(bytes: Buffer | undefined): number {
  if (bytes?.length === 8) return Number(bytes.readBigUInt64LE());
  return bytes?.length === 4 ? bytes.readUInt32LE() : -1;
}

/** Removes leading zeros of a big integer. */
function stripped(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(Math.max(first, 0));
}
