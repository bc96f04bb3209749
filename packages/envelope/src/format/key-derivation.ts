import { encodeAscii } from '../text/utf8.js';
import type { AlgorithmSuite } from './algorithm-suite.js';

/** The info of HKDF that derives the commit key; the salt is the message id ([HKDF Commit Key](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/transitive-requirements.md#hkdf-commit-key)). */
export const COMMIT_KEY_INFO: Uint8Array = encodeAscii('COMMITKEY');
const DERIVE_KEY_LABEL = encodeAscii('DERIVEKEY');
const NO_SALT = new Uint8Array();

/** The inputs of HKDF (RFC 5869) besides the data key. */
export interface HkdfInputs {
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
}

/**
 * The inputs that derive the AES key of a message. A suite that commits has the message id as salt; the others
 * have no salt, which is the same as one of zeros (RFC 5869 §2.2), and the message id in `info` ([HKDF Encryption
 * Key](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/transitive-requirements.md#hkdf-encryption-key)).
 */
export function encryptionKeyInputs(suite: AlgorithmSuite, messageId: Uint8Array): HkdfInputs {
  const last = suite.commits ? DERIVE_KEY_LABEL : messageId;
  const info = new Uint8Array(2 + last.length);
  info[0] = suite.id >>> 8;
  info[1] = suite.id;
  info.set(last, 2);
  return { salt: suite.commits ? messageId : NO_SALT, info };
}
