import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  getClient,
  KMS,
  KmsKeyringNode,
  MultiKeyringNode,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node';
import { type OpenOptions, open, seal, sealForPublicKey } from '@keywrap/envelope';
import { KeyWrapKeyringNode } from '@keywrap/envelope/client-node';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { expectRejection, hex, localKeys, randomBytes } from './support.js';

const encryptionContext = { table: 'invoices', ü: 'ß' };
const SEAL = { keyId: 'alias/a', encryptionContext };
const OPEN: OpenOptions = { trustedKeys: ['alias/a'], encryptionContext };

const node = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);

describe('The keyring for @aws-crypto/client-node', () => {
  const keys = localKeys('alias/a', 'alias/b');
  const plaintext = randomBytes(10_000);
  after(() => keys.close());

  it('seals what open opens', async () => {
    const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a' });
    const { result } = await node.encrypt(keyring, plaintext, { encryptionContext });
    using opened = await open(keys, result, OPEN);
    expect(hex(opened.plaintext)).to.equal(hex(plaintext));
  });

  for (const signed of [false, true]) {
    it(`opens what seal sealed${signed ? ', signed' : ''}`, async () => {
      const message = await seal(keys, { ...SEAL, signed }, plaintext);
      const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a' });
      const { plaintext: opened, messageHeader } = await node.decrypt(keyring, message);
      expect(hex(opened)).to.equal(hex(plaintext));
      expect(messageHeader.encryptionContext).to.include(encryptionContext);
    });
  }

  for (const suiteId of [
    AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
    AlgorithmSuiteIdentifier.ALG_AES192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
    AlgorithmSuiteIdentifier.ALG_AES128_GCM_IV12_TAG16_HKDF_SHA256,
  ] as const) {
    it(`makes data keys of the length that ${AlgorithmSuiteIdentifier[suiteId]} has`, async () => {
      const { encrypt, decrypt } = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
      const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a' });
      const { result } = await encrypt(keyring, plaintext, { suiteId, encryptionContext });
      expect(hex((await decrypt(keyring, result)).plaintext)).to.equal(hex(plaintext));
      const commitmentPolicy = 'REQUIRE_ENCRYPT_ALLOW_DECRYPT';
      using opened = await open(keys, result, { ...OPEN, commitmentPolicy });
      expect(hex(opened.plaintext)).to.equal(hex(plaintext));
    });
  }

  it('wraps under several keys, each of which opens the message', async () => {
    const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a', otherKeys: ['alias/b'] });
    const { result } = await node.encrypt(keyring, plaintext, { encryptionContext });
    for (const keyId of ['alias/a', 'alias/b']) {
      const one = new KeyWrapKeyringNode(keys, { keyId });
      expect(hex((await node.decrypt(one, result)).plaintext)).to.equal(hex(plaintext));
    }
  });

  it('stands beside other keyrings, as generator and as child', async () => {
    const ours = new KeyWrapKeyringNode(keys, { keyId: 'alias/a' });
    const theirs = new RawAesKeyringNode({
      keyNamespace: 'theirs',
      keyName: 'key',
      unencryptedMasterKey: randomBytes(32),
      wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
    });
    for (const several of [
      new MultiKeyringNode({ generator: ours, children: [theirs] }),
      new MultiKeyringNode({ generator: theirs, children: [ours] }),
    ]) {
      const { result } = await node.encrypt(several, plaintext, { encryptionContext });
      for (const keyring of [ours, theirs, several]) {
        expect(hex((await node.decrypt(keyring, result)).plaintext)).to.equal(hex(plaintext));
      }
    }
  });

  it('opens what a public key sealed outside', async () => {
    const { keyId } = await keys.createKey({ keySpec: 'RSA_2048' });
    const { publicKey } = await keys.getPublicKey({ keyId });
    const raw = { namespace: 'partners', name: 'inbox' };
    const message = await sealForPublicKey({ ...raw, publicKey }, {}, plaintext);
    const trustedKeys = [{ ...raw, keyId }];
    const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a', trustedKeys });
    expect(hex((await node.decrypt(keyring, message)).plaintext)).to.equal(hex(plaintext));
  });

  it('rejects a message of another key', async () => {
    const message = await seal(keys, { ...SEAL, keyId: 'alias/b' }, plaintext);
    const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/a' });
    await expectRejection(node.decrypt(keyring, message), 'UNTRUSTED_KEY');
  });

  it('fails as the provider does', async () => {
    const keyring = new KeyWrapKeyringNode(keys, { keyId: 'alias/none' });
    await expectRejection(node.encrypt(keyring, plaintext), 'KEY_NOT_FOUND');
  });

  it('rejects wrong options', () => {
    expect(() => new KeyWrapKeyringNode(keys, { keyId: '' })).to.throw('keyId');
    const options = { keyId: 'alias/a', trustedKeys: [] };
    expect(() => new KeyWrapKeyringNode(keys, options)).to.throw('trustedKeys');
  });

  describe('with keys of AWS KMS', () => {
    let server: KmsServer;
    let kms: KmsKeyWrapProvider;
    const keyArn = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' };

    before(async () => {
      server = await startKmsServer({ port: 0, keys: [{ keyId: keyArn }] });
      kms = new KmsKeyWrapProvider({ endpoint: server.url, region: 'us-west-2', credentials });
    });

    after(async () => {
      await kms.close();
      await server.close();
    });

    it("reads what the SDK's own KMS keyring sealed, and the other way", async () => {
      // @ts-expect-error: the SDK's types are not written for exactOptionalPropertyTypes.
      const clientProvider = getClient(KMS, { endpoint: server.url, credentials });
      const keyrings = [
        new KeyWrapKeyringNode(kms, { keyId: keyArn }),
        new KmsKeyringNode({ generatorKeyId: keyArn, clientProvider }),
      ];
      for (const writer of keyrings) {
        const { result } = await node.encrypt(writer, plaintext, { encryptionContext });
        for (const reader of keyrings) {
          expect(hex((await node.decrypt(reader, result)).plaintext)).to.equal(hex(plaintext));
        }
      }
    });
  });
});
