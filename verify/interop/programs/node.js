// The examples of the AWS documentation for Node.js, and what the cross cases need: the same for both
// versions of the AWS SDK for JavaScript, whose clients take callbacks. See README.md.
import { createInterface } from 'node:readline';

/** Does what standard input asks for with this client. */
export async function run(kmsClient) {
  const operations = operationsOf(kmsClient);
  for await (const line of createInterface({ input: process.stdin })) {
    const [operation, ...words] = line.split(' ');
    const [err, bytes] = await new Promise((resolve) => {
      operations[operation](...words, (...result) => resolve(result));
    });
    if (err) console.log(`error ${err.$metadata || err.statusCode ? err.name : err.message}`);
    else console.log(`ok ${Buffer.from(bytes).toString('base64')}`);
  }
}

function operationsOf(kmsClient) {
  return {
    encrypt(done) {
      // Replace the following example key ARN with any valid key identifier
      const KeyId = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
      const Plaintext = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
      kmsClient.encrypt({ KeyId, Plaintext }, (err, data) => {
        if (err) done(err);
        else {
          const { CiphertextBlob } = data;
          done(null, CiphertextBlob);
        }
      });
    },

    decrypt(text, done) {
      // Replace the following example key ARN with any valid key identifier
      const KeyId = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
      const CiphertextBlob = Buffer.from(text, 'base64');
      kmsClient.decrypt({ CiphertextBlob, KeyId }, (err, data) => {
        if (err) done(err);
        else {
          const { Plaintext } = data;
          done(null, Plaintext);
        }
      });
    },

    're-encrypt'(text, done) {
      const CiphertextBlob = Buffer.from(text, 'base64');
      // Replace the following example key ARNs with valid key identifiers
      const SourceKeyId =
        'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
      const DestinationKeyId =
        'arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321';

      kmsClient.reEncrypt({ CiphertextBlob, SourceKeyId, DestinationKeyId }, (err, data) => {
        done(err, data?.CiphertextBlob);
      });
    },

    'encrypt-with-context'(KeyId, plaintext, context, done) {
      const Plaintext = Buffer.from(plaintext, 'base64');
      const EncryptionContext = JSON.parse(context);
      kmsClient.encrypt({ KeyId, Plaintext, EncryptionContext }, (err, data) => {
        done(err, data?.CiphertextBlob);
      });
    },

    'decrypt-with-context'(KeyId, ciphertext, context, done) {
      const CiphertextBlob = Buffer.from(ciphertext, 'base64');
      const EncryptionContext = JSON.parse(context);
      kmsClient.decrypt({ KeyId, CiphertextBlob, EncryptionContext }, (err, data) => {
        done(err, data?.Plaintext);
      });
    },

    'encrypt-with-algorithm'(KeyId, plaintext, EncryptionAlgorithm, done) {
      const Plaintext = Buffer.from(plaintext, 'base64');
      kmsClient.encrypt({ KeyId, Plaintext, EncryptionAlgorithm }, (err, data) => {
        done(err, data?.CiphertextBlob);
      });
    },

    'decrypt-with-algorithm'(KeyId, ciphertext, EncryptionAlgorithm, done) {
      const CiphertextBlob = Buffer.from(ciphertext, 'base64');
      kmsClient.decrypt({ KeyId, CiphertextBlob, EncryptionAlgorithm }, (err, data) => {
        done(err, data?.Plaintext);
      });
    },

    'get-public-key'(KeyId, done) {
      kmsClient.getPublicKey({ KeyId }, (err, data) => done(err, data?.PublicKey));
    },
  };
}
