import type { KMS } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import {
  bytes,
  Clock,
  describeWithStores,
  idOf,
  newKey,
  rejection,
  rejections,
  type Subject,
} from './support.js';

const DENIED =
  'AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.';
const INCORRECT =
  'IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.';

describeWithStores('A ciphertext whose key does not exist here', (start) => {
  const clock = new Clock();
  let subject: Subject;
  let kms: KMS;
  let KeyId: string;
  before(async () => {
    subject = await start({ now: clock.now });
    kms = subject.kms;
    KeyId = await newKey(kms);
  });
  after(() => subject[Symbol.asyncDispose]());

  const sealedBy = async (client: KMS, key: string) =>
    (await client.encrypt({ KeyId: key, Plaintext: bytes('x') })).CiphertextBlob as Uint8Array;

  const expectForeign = async (CiphertextBlob: Uint8Array) => {
    const move = { CiphertextBlob, DestinationKeyId: KeyId };
    expect(await rejections([kms.decrypt({ CiphertextBlob }), kms.reEncrypt(move)])).to.deep.equal([
      DENIED,
      DENIED,
    ]);
    expect(
      await rejections([
        kms.decrypt({ CiphertextBlob, KeyId }),
        kms.reEncrypt({ ...move, SourceKeyId: KeyId }),
      ]),
    ).to.deep.equal([INCORRECT, INCORRECT]);
  };

  it('because it is in another Region', async () => {
    const west = subject.clientFor('us-west-2');
    await expectForeign(await sealedBy(west, await newKey(west)));
  });

  it('because it was deleted', async () => {
    const deleted = await newKey(kms);
    const sealed = await sealedBy(kms, deleted);
    await kms.scheduleKeyDeletion({ KeyId: deleted, PendingWindowInDays: 7 });
    expect(await rejection(kms.decrypt({ CiphertextBlob: sealed }))).to.equal(
      `KMSInvalidStateException: ${deleted} is pending deletion.`,
    );
    clock.forward(7);
    await expectForeign(sealed);
  });

  it('because it is of another account', async () => {
    await using other = await start({ account: '999999999999' });
    await expectForeign(await sealedBy(other.kms, await newKey(other.kms)));
  });

  it('is told from a damaged one where the key is named', async () => {
    const sealed = await sealedBy(kms, KeyId);
    const at = Buffer.from(sealed).indexOf(idOf(KeyId)) + 3;
    const damaged = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte));
    expect(await rejection(kms.decrypt({ CiphertextBlob: damaged, KeyId }))).to.equal(
      'InvalidCiphertextException',
    );
  });

  it('is told from a key that can not decrypt', async () => {
    const west = subject.clientFor('us-west-2');
    const CiphertextBlob = await sealedBy(west, await newKey(west));
    const rsa = await newKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    expect(await rejection(kms.decrypt({ CiphertextBlob, KeyId: rsa }))).to.match(
      /^InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible/,
    );
    await kms.disableKey({ KeyId: rsa });
    const named = kms.decrypt({ CiphertextBlob: await sealedBy(kms, KeyId), KeyId: rsa });
    expect(await rejection(named)).to.equal(`DisabledException: ${rsa} is disabled.`);
  });
});
