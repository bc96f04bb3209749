import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  assertKeyUsable,
  type EncryptionAlgorithm,
  InternalError,
  InvalidInputError,
  InvalidKeyUsageError,
  isAsymmetricAlgorithm,
  isRsaPublicKey,
  type KeyDescription,
  type KeyName,
  KeyNames,
  KeyNotFoundError,
  type KeyPurpose,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  rsaKeySpecOf,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { Handle } from 'pkcs11js';
import type { Library } from './library.js';
import { isText, type ReadOptions } from './options.js';
import type { Token } from './sessions.js';

/** A key of the token: a secret key, or a private key. */
export interface TokenKey {
  readonly handle: Handle;
  readonly keyId: string;
  /** CKK_AES, CKK_RSA, ... */
  readonly type: number;
  readonly canEncrypt: boolean;
  readonly canDecrypt: boolean;
  readonly canSign: boolean;
}

/** Finds keys by their label, and describes them. */
export class TokenKeys {
  readonly #library: Library;
  readonly #names: KeyNames;
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
    const scope = { partition: 'pkcs11', region: label || 'token', account: serial || 'none' };
    this.#names = new KeyNames({ scope, aliases, isName: isText });
  }

  /**
   * Finds a key.
   *
   * @throws {@link KeyNotFoundError} when there is none.
   * @throws {@link InvalidInputError} when several have the label.
   */
  find(session: Handle, name: KeyName): TokenKey {
    const label = this.#names.nameOf(name);
    const { constants: c } = this.#library;
    const handles = [c.CKO_SECRET_KEY, c.CKO_PRIVATE_KEY].flatMap((kind) =>
      this.#objects(session, kind, label),
    );
    const [handle, another] = handles;
    if (handle === undefined) {
      throw new KeyNotFoundError(
        'the token has no key with this label, or the PIN does not show it',
      );
    }
    if (another !== undefined) {
      throw new InvalidInputError(
        'keyId',
        'is the label of several keys of the token: give each a label of its own',
      );
    }
    return this.#read(session, handle, label);
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
    const key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    // The exponent 1 would encrypt nothing.
    if (isRsaPublicKey(key.asymmetricKeyDetails, modulusLength)) return key;
    throw new InternalError('the token returned numbers that are no RSA key');
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
    purpose: KeyPurpose,
  ): void {
    if (![this.#library.constants.CKK_AES, this.#library.constants.CKK_RSA].includes(key.type)) {
      throw new InvalidKeyUsageError('the key is neither AES nor RSA', { keyId: key.keyId });
    }
    assertKeyUsable(this.describe(session, key), algorithm, purpose);
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

  #read(session: Handle, handle: Handle, label: string): TokenKey {
    const { constants: c } = this.#library;
    const [kind, type] = this.#attributes(session, handle, [c.CKA_CLASS, c.CKA_KEY_TYPE]);
    const isSecret = numberIn(kind) === c.CKO_SECRET_KEY;
    // A private key does not say whether one may encrypt: its public half in the token does, if it is there.
    const encrypting = isSecret ? handle : this.#objects(session, c.CKO_PUBLIC_KEY, label)[0];
    return {
      handle,
      keyId: this.#names.arnOf(label),
      type: numberIn(type),
      canEncrypt: encrypting === undefined || this.#isSet(session, encrypting, c.CKA_ENCRYPT),
      canDecrypt: this.#isSet(session, handle, c.CKA_DECRYPT),
      canSign: this.#isSet(session, handle, c.CKA_SIGN),
    };
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
    const read = (type: number) => this.#attributes(session, key.handle, [type])[0] as Buffer;
    switch (key.type) {
      case c.CKK_AES:
        return kind('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', ['SYMMETRIC_DEFAULT']);
      case c.CKK_RSA: {
        const keySpec = rsaKeySpecOf(stripped(read(c.CKA_MODULUS)).length);
        const signs = key.canSign && !key.canDecrypt;
        if (keySpec === undefined) break;
        return signs ? kind(keySpec, 'SIGN_VERIFY') : kind(keySpec, 'ENCRYPT_DECRYPT', this.#rsa);
      }
      case c.CKK_EC: {
        const keySpec = CURVES[read(c.CKA_EC_PARAMS).toString('hex')];
        if (keySpec === undefined) break;
        return kind(keySpec, 'SIGN_VERIFY');
      }
      case c.CKK_GENERIC_SECRET: {
        const keySpec = MAC_KEYS[numberIn(read(c.CKA_VALUE_LEN))];
        if (keySpec === undefined) break;
        return kind(keySpec, 'GENERATE_VERIFY_MAC');
      }
    }
    throw new UnsupportedOperationError(
      `keys of the type ${key.type} of PKCS#11 have no name here`,
    );
  }
}

interface Kind {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly algorithms: readonly EncryptionAlgorithm[];
}

function kind(
  keySpec: KeySpec,
  keyUsage: KeyUsage,
  algorithms: readonly EncryptionAlgorithm[] = [],
): Kind {
  return { keySpec, keyUsage, algorithms };
}

/** Kinds of HMAC key by their length in bytes. */
const MAC_KEYS: Readonly<Record<number, KeySpec>> = {
  28: 'HMAC_224',
  32: 'HMAC_256',
  48: 'HMAC_384',
  64: 'HMAC_512',
};

/** DER of the curves' object identifiers, as CKA_EC_PARAMS has them. */
const CURVES: Readonly<Record<string, KeySpec>> = {
  '06082a8648ce3d030107': 'ECC_NIST_P256',
  '06052b81040022': 'ECC_NIST_P384',
  '06052b81040023': 'ECC_NIST_P521',
  '06052b8104000a': 'ECC_SECG_P256K1',
};

/** A key that may not decrypt is disabled: an administrator clears its attributes, and sets them again. */
function stateOf({ canEncrypt, canDecrypt }: TokenKey, usage: KeyUsage): KeyState {
  if (usage !== 'ENCRYPT_DECRYPT' || (canDecrypt && canEncrypt)) return 'Enabled';
  return canDecrypt ? 'DecryptOnly' : 'Disabled';
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
