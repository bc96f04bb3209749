import { withTrustedKeys } from '@keywrap/core';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { MemoryKeyStore } from '@keywrap/provider-local';
import { withNearestReplica } from '@keywrap/resilience';
import { expect } from 'chai';
import { rejection } from './support.js';

const ID = 'mrk-1234abcd12ab34cd56ef1234567890ab';
const FAR = `arn:aws:kms:us-east-1:111122223333:key/${ID}`;
const NEAR = `arn:aws:kms:eu-west-1:111122223333:key/${ID}`;
const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);

describe('withNearestReplica', () => {
  let server: KmsServer;
  before(async () => {
    server = await startKmsServer({
      port: 0,
      keys: [FAR, NEAR].map((keyId) => ({ keyId })),
    });
  });
  after(() => server.close());
  const open = (region = 'eu-west-1', at = server) =>
    new KmsKeyWrapProvider({
      endpoint: at.url,
      region,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });

  it('opens what the replica of another Region made, here', async () => {
    const keys = open();
    const made = await keys.encrypt({ keyId: FAR, plaintext: PLAINTEXT });
    expect(made.keyId).to.equal(FAR);
    const near = withNearestReplica(keys, 'eu-west-1');
    const opened = await near.decrypt({ keyId: FAR, ciphertext: made.ciphertext });
    expect(opened.plaintext).to.deep.equal(PLAINTEXT);
    expect(opened.keyId).to.equal(NEAR);
    const moved = await near.reEncrypt({
      ciphertext: made.ciphertext,
      source: { keyId: FAR },
      destination: { keyId: FAR },
    });
    expect([moved.sourceKeyId, moved.destinationKeyId]).to.deep.equal([NEAR, NEAR]);
  });

  it('opens in its own Region while the Region that encrypted is down', async () => {
    const store = new MemoryKeyStore();
    const start = (region: string) =>
      startKmsServer({ port: 0, region, store, keys: [{ keyId: FAR }, { keyId: NEAR }] });
    const [far, here] = [await start('us-east-1'), await start('eu-west-1')];
    try {
      const service = open('us-east-1', far);
      using dataKey = await service.generateDataKey({ keyId: FAR, keySpec: 'AES_256' });
      await far.close();

      const keys = open('eu-west-1', here);
      // The far Region alone has the key that the ARN names.
      const alone = open('eu-west-1', far);
      const input = { keyId: FAR, ciphertext: dataKey.ciphertext };
      expect((await rejection(alone.decrypt(input))).code).to.equal('UNAVAILABLE');
      const near = await withTrustedKeys(withNearestReplica(keys, 'eu-west-1'), [FAR]);
      using opened = await near.decrypt(input);
      expect(opened.plaintext).to.deep.equal(dataKey.plaintext);
      expect(opened.keyId).to.equal(NEAR);
    } finally {
      await here.close();
    }
  });

  it('leaves other names as they are', async () => {
    const near = withNearestReplica(open(), 'eu-west-1');
    const single = FAR.replace(
      'mrk-1234abcd12ab34cd56ef1234567890ab',
      '1234abcd-12ab-34cd-56ef-1234567890ab',
    );
    expect((await rejection(near.describeKey({ keyId: single }))).code).to.equal('KEY_NOT_FOUND');
    expect((await near.describeKey({ keyId: NEAR })).keyId).to.equal(NEAR);
  });

  it('rejects a malformed region (INVALID_INPUT)', async () => {
    const error = await rejection((async () => withNearestReplica(open(), 'EU 1'))());
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'region' });
  });
});
