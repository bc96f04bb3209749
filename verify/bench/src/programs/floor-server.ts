// The reference of kms-server-throughput: answers GenerateDataKey with nothing but the cryptography:
// no signature, no check, no state, one key.
import { randomBytes } from 'node:crypto';
import { bareSeal, prepare } from '../bare-xaes.js';
import { serveJson } from '../serve-json.js';

const KeyId = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const id = KeyId.slice(-36);
const key = prepare(randomBytes(32));

serveJson((request) => {
  const { EncryptionContext } = request as { EncryptionContext: Record<string, string> };
  const [[name, value]] = Object.entries(EncryptionContext) as [[string, string]];
  const plaintext = randomBytes(32);
  const ciphertext = bareSeal(key, id, plaintext, name, value);
  return {
    CiphertextBlob: ciphertext.toString('base64'),
    Plaintext: plaintext.toString('base64'),
    KeyId,
  };
});
