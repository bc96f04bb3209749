import { UnsupportedOperationError } from '@keywrap/core';
import type { Handle, Template } from 'pkcs11js';
import { codeOf } from '#dist/errors.js';
import { PIN, type TestToken } from './test-token.js';

/** The DER of curves' object identifiers. */
const CURVES: Readonly<Record<string, string>> = {
  ECC_NIST_P256: '06082a8648ce3d030107',
  ECC_NIST_P384: '06052b81040022',
  ECC_NIST_P521: '06052b81040023',
  ECC_SECG_P256K1: '06052b8104000a',
};

/**
 * Makes a key in the token that never leaves it.
 *
 * @throws {@link UnsupportedOperationError} when the token has no such keys.
 */
export function makeKey(token: TestToken, label: string, keySpec: string, keyUsage: string): void {
  try {
    generate(token, label, keySpec, keyUsage);
  } catch (error) {
    if (codeOf(error) !== token.library.constants.CKR_MECHANISM_INVALID) throw error;
    throw noSuchKeys(keySpec, keyUsage);
  }
}

function noSuchKeys(keySpec: string, keyUsage: string): UnsupportedOperationError {
  return new UnsupportedOperationError(`the token has no ${keySpec} keys for ${keyUsage}`);
}

function generate(token: TestToken, label: string, keySpec: string, keyUsage: string): void {
  const { calls, constants: c } = token.library;
  const common: Template = [
    { type: c.CKA_TOKEN, value: true },
    { type: c.CKA_LABEL, value: label },
  ];
  const secret: Template = [
    ...common,
    { type: c.CKA_PRIVATE, value: true },
    { type: c.CKA_SENSITIVE, value: true },
    { type: c.CKA_EXTRACTABLE, value: false },
  ];
  const uses = (...types: number[]): Template => types.map((type) => ({ type, value: true }));
  const encrypts = keyUsage === 'ENCRYPT_DECRYPT';
  administer(token, (session) => {
    if (keySpec === 'SYMMETRIC_DEFAULT' && encrypts) {
      calls.C_GenerateKey(session, { mechanism: c.CKM_AES_KEY_GEN }, [
        ...secret,
        { type: c.CKA_VALUE_LEN, value: 32 },
        ...uses(c.CKA_ENCRYPT, c.CKA_DECRYPT),
      ]);
    } else if (keySpec === 'HMAC_256' && keyUsage === 'GENERATE_VERIFY_MAC') {
      calls.C_GenerateKey(session, { mechanism: c.CKM_GENERIC_SECRET_KEY_GEN }, [
        ...secret,
        { type: c.CKA_VALUE_LEN, value: 32 },
        ...uses(c.CKA_SIGN, c.CKA_VERIFY),
      ]);
    } else if (/^RSA_/.test(keySpec) && (encrypts || keyUsage === 'SIGN_VERIFY')) {
      calls.C_GenerateKeyPair(
        session,
        { mechanism: c.CKM_RSA_PKCS_KEY_PAIR_GEN },
        [
          ...common,
          { type: c.CKA_MODULUS_BITS, value: Number(keySpec.slice(4)) },
          { type: c.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
          ...uses(encrypts ? c.CKA_ENCRYPT : c.CKA_VERIFY),
        ],
        [
          ...secret,
          { type: c.CKA_DECRYPT, value: encrypts },
          { type: c.CKA_SIGN, value: !encrypts },
        ],
      );
    } else if (CURVES[keySpec] !== undefined && keyUsage === 'SIGN_VERIFY') {
      calls.C_GenerateKeyPair(
        session,
        { mechanism: c.CKM_EC_KEY_PAIR_GEN },
        [
          { type: c.CKA_TOKEN, value: false },
          { type: c.CKA_EC_PARAMS, value: Buffer.from(CURVES[keySpec] as string, 'hex') },
          ...uses(c.CKA_VERIFY),
        ],
        [...secret, ...uses(c.CKA_SIGN)],
      );
    } else {
      throw noSuchKeys(keySpec, keyUsage);
    }
  });
}

/** Sets what a key may do. */
export function allow(
  token: TestToken,
  label: string,
  uses: readonly ('encrypt' | 'decrypt')[],
): void {
  const { calls, constants: c } = token.library;
  administer(token, (session) => {
    for (const key of objectsOf(token, session, label)) {
      const [kind] = calls.C_GetAttributeValue(session, key, [{ type: c.CKA_CLASS }]);
      const { 0: type } = (kind as { readonly value: Buffer }).value;
      const encrypt = { type: c.CKA_ENCRYPT, value: uses.includes('encrypt') };
      const decrypt = { type: c.CKA_DECRYPT, value: uses.includes('decrypt') };
      calls.C_SetAttributeValue(session, key, [
        ...(type === c.CKO_PRIVATE_KEY ? [] : [encrypt]),
        ...(type === c.CKO_PUBLIC_KEY ? [] : [decrypt]),
      ]);
    }
  });
}

/** Deletes a key. */
export function destroy(token: TestToken, label: string): void {
  administer(token, (session) => {
    for (const key of objectsOf(token, session, label)) {
      token.library.calls.C_DestroyObject(session, key);
    }
  });
}

/** Works in a session of its own, which a provider that closes does not end. */
export function administer(token: TestToken, work: (session: Handle) => void): void {
  const { calls, constants: c } = token.library;
  const session = calls.C_OpenSession(token.slot, c.CKF_SERIAL_SESSION | c.CKF_RW_SESSION);
  try {
    try {
      calls.C_Login(session, c.CKU_USER, PIN);
    } catch (error) {
      if (codeOf(error) !== c.CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
    work(session);
  } finally {
    calls.C_CloseSession(session);
  }
}

function objectsOf({ library }: TestToken, session: Handle, label: string): Handle[] {
  const { calls, constants: c } = library;
  calls.C_FindObjectsInit(session, [{ type: c.CKA_LABEL, value: label }]);
  try {
    return calls.C_FindObjects(session, 10);
  } finally {
    calls.C_FindObjectsFinal(session);
  }
}
