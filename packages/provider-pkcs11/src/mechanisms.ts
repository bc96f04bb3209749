import type { AsymmetricAlgorithm, EncryptionAlgorithm } from '@keywrap/core';
import type { Handle, Mechanism } from 'pkcs11js';
import type { Library } from './library.js';
import type { Token } from './sessions.js';

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** AES-GCM ([PKCS#11 §6.13](https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/), NIST SP 800-38D). */
export function gcm({ constants: c }: Library, nonce: Buffer, aad: Uint8Array): Mechanism {
  const parameter = {
    type: c.CK_PARAMS_AES_GCM_v240,
    iv: nonce,
    ivBits: NONCE_BYTES * 8,
    tagBits: TAG_BYTES * 8,
    aad: Buffer.from(aad),
  };
  return { mechanism: c.CKM_AES_GCM, parameter };
}

/** CKZ_DATA_SPECIFIED: the label is given, here as empty. */
const DATA_SPECIFIED = 1;

/** RSAES-OAEP (RFC 8017 §7.1) with MGF1 over the same hash and no label. */
export function oaep({ constants: c }: Library, algorithm: AsymmetricAlgorithm): Mechanism {
  const hashes = {
    RSAES_OAEP_SHA_1: [c.CKM_SHA_1, c.CKG_MGF1_SHA1],
    RSAES_OAEP_SHA_256: [c.CKM_SHA256, c.CKG_MGF1_SHA256],
    RSAES_OAEP_SHA_384: [c.CKM_SHA384, c.CKG_MGF1_SHA384],
    RSAES_OAEP_SHA_512: [c.CKM_SHA512, c.CKG_MGF1_SHA512],
  } as const;
  const [hashAlg, mgf] = hashes[algorithm];
  const parameter = { type: c.CK_PARAMS_RSA_OAEP, hashAlg, mgf, source: DATA_SPECIFIED };
  return { mechanism: c.CKM_RSA_PKCS_OAEP, parameter };
}

const OAEP: readonly AsymmetricAlgorithm[] = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSAES_OAEP_SHA_384',
  'RSAES_OAEP_SHA_512',
];

/** An RSA modulus of 2048 bits for {@link algorithmsOf}: nobody knows its factors, or needs to. */
const MODULUS = Buffer.alloc(256, 0xff);

/**
 * Finds out what the token encrypts with. Its list of mechanisms does not say which hashes OAEP takes: the token is
 * asked to begin an encryption with each, under a public key that is in this session only.
 */
export function algorithmsOf(
  library: Library,
  token: Token,
  session: Handle,
): EncryptionAlgorithm[] {
  const { calls, constants: c } = library;
  const mechanisms = calls.C_GetMechanismList(token.slot);
  const symmetric: EncryptionAlgorithm[] = mechanisms.includes(c.CKM_AES_GCM)
    ? ['SYMMETRIC_DEFAULT']
    : [];
  if (!mechanisms.includes(c.CKM_RSA_PKCS_OAEP)) return symmetric;
  const publicKey = calls.C_CreateObject(session, [
    { type: c.CKA_CLASS, value: c.CKO_PUBLIC_KEY },
    { type: c.CKA_KEY_TYPE, value: c.CKK_RSA },
    { type: c.CKA_TOKEN, value: false },
    { type: c.CKA_ENCRYPT, value: true },
    { type: c.CKA_MODULUS, value: MODULUS },
    { type: c.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
  ]);
  return [
    ...symmetric,
    ...OAEP.filter((algorithm) => canBegin(library, token, publicKey, algorithm)),
  ];
}

function canBegin(
  library: Library,
  { slot }: Token,
  publicKey: Handle,
  algorithm: AsymmetricAlgorithm,
): boolean {
  const { calls, constants } = library;
  // The operation stays active: its session is closed.
  const session = calls.C_OpenSession(slot, constants.CKF_SERIAL_SESSION);
  try {
    calls.C_EncryptInit(session, oaep(library, algorithm), publicKey);
    return true;
  } catch {
    return false;
  } finally {
    calls.C_CloseSession(session);
  }
}
