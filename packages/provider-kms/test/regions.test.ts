import { inspect } from 'node:util';
import { KMSClient } from '@aws-sdk/client-kms';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import sinon, { type SinonStub } from 'sinon';
import {
  CREDENTIALS,
  KEY_ARN,
  KEY_ID,
  rejection,
  stubbedClient,
  withEnvironment,
} from './support.js';

const plaintext = Uint8Array.of(1);
const ciphertext = Uint8Array.of(1);
const arnIn = (region: string) => `arn:aws:kms:${region}:111122223333:key/${KEY_ID}`;
const aliasIn = (region: string) => `arn:aws:kms:${region}:111122223333:alias/a`;

/** Responds to every request with the ARN of the key, as KMS does. */
async function respond({ input }: { input: Readonly<Record<string, string | undefined>> }) {
  const arnOf = (name = KEY_ID) => {
    if (name.includes(':key/')) return name;
    if (!name.includes('alias/')) return KEY_ARN.replace(KEY_ID, name);
    return name.startsWith('arn:') ? name.replace(/:alias.*/, `:key/${KEY_ID}`) : KEY_ARN;
  };
  const { KeyId, SourceKeyId, DestinationKeyId } = input;
  return {
    CiphertextBlob: ciphertext,
    Plaintext: new Uint8Array(1),
    SourceKeyId: arnOf(SourceKeyId),
    KeyId: arnOf(DestinationKeyId ?? KeyId),
  };
}

describe('KmsKeyWrapProvider, regions and clients', () => {
  let send: SinonStub;
  let destroy: SinonStub;

  beforeEach(() => {
    send = sinon.stub(KMSClient.prototype, 'send') as SinonStub;
    send.callsFake(respond);
    destroy = sinon.stub(KMSClient.prototype, 'destroy');
  });

  afterEach(() => sinon.restore());

  const clients = () => send.thisValues as KMSClient[];
  const regions = () => Promise.all(clients().map(({ config }) => config.region()));

  it('uses the region of a key ARN or an alias ARN, or else that of the options', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    for (const keyId of [arnIn('us-east-1'), aliasIn('ap-south-1'), 'alias/a', KEY_ID]) {
      await keys.encrypt({ keyId, plaintext });
    }
    expect(await regions()).to.deep.equal(['us-east-1', 'ap-south-1', 'eu-west-1', 'eu-west-1']);
  });

  it('keeps one client for each region', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    const ids = ['a', arnIn('eu-west-1'), aliasIn('eu-west-1'), arnIn('us-east-1'), 'b'];
    await Promise.all(ids.map((keyId) => keys.encrypt({ keyId, plaintext })));
    expect(clients()).to.have.length(5);
    expect(new Set(clients()).size).to.equal(2);
  });

  it('keeps no more clients than there are regions, and destroys the others once they are unused', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    let answer: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => {
      answer = resolve;
    });
    send.onFirstCall().callsFake(async (command) => {
      await waiting;
      return respond(command);
    });
    const slow = keys.encrypt({ keyId: arnIn('us-east-1'), plaintext });
    for (let i = 0; i < 60; i++) {
      await keys.encrypt({ keyId: arnIn(`invented-${i}`), plaintext });
      await keys.encrypt({ keyId: 'alias/a', plaintext });
    }
    const [first] = clients();
    expect(destroy.thisValues).to.have.length(11).and.not.include(first);
    answer?.();
    await slow;
    expect(destroy.thisValues).to.have.length(12).and.include(first);
    const used = new Set(clients()).size;
    await keys.encrypt({ keyId: 'alias/a', plaintext });
    expect(new Set(clients()).size).to.equal(used);
    await keys.close();
    expect(new Set(destroy.thisValues).size).to.equal(used);
  });

  it('asks the SDK for the region when nothing names one, and still keeps one client', async () => {
    await withEnvironment({ AWS_REGION: 'sa-east-1' }, async () => {
      for (const ids of [
        ['a', 'b', arnIn('sa-east-1')],
        [arnIn('sa-east-1'), 'a'],
      ]) {
        send.resetHistory();
        const keys = new KmsKeyWrapProvider();
        await Promise.all(ids.map((keyId) => keys.encrypt({ keyId, plaintext })));
        await keys.encrypt({ keyId: 'c', plaintext });
        expect(new Set(await regions())).to.deep.equal(new Set(['sa-east-1']));
        expect(new Set(clients()).size).to.equal(1);
      }
    });
  });

  it('reports that the region is missing, and finds it once it is set', async () => {
    const keys = new KmsKeyWrapProvider();
    await withEnvironment({}, async () => {
      const error = await rejection(keys.encrypt({ keyId: 'a', plaintext }));
      expect(error).to.include({
        code: 'INVALID_INPUT',
        field: 'options.region',
        operation: 'encrypt',
      });
    });
    await withEnvironment({ AWS_REGION: 'sa-east-1' }, async () => {
      await keys.encrypt({ keyId: 'a', plaintext });
    });
    expect(await regions()).to.deep.equal(['sa-east-1']);
  });

  it('rejects an ARN whose region would be another host (INVALID_INPUT)', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    for (const region of ['evil.example', 'a/b', 'evil.example#', 'EU-WEST-1', '-a', 'x@y']) {
      const error = await rejection(keys.encrypt({ keyId: arnIn(region), plaintext }));
      expect(error, region).to.include({ code: 'INVALID_INPUT', field: 'keyId' });
    }
    expect(send.called).to.equal(false);
  });

  it("decrypts in the key's region, and in the default one when no key is named", async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    await keys.decrypt({ ciphertext });
    await keys.decrypt({ ciphertext, keyId: arnIn('us-east-1') });
    expect(await regions()).to.deep.equal(['eu-west-1', 'us-east-1']);
  });

  it("re-encrypts in the destination's region, else the source's, else the default", async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    const move = (source: string | undefined, destination: string) =>
      keys.reEncrypt({
        ciphertext,
        source: { keyId: source },
        destination: { keyId: destination },
      });
    await move('a', arnIn('us-east-1'));
    await move(undefined, arnIn('us-east-2'));
    await move(arnIn('us-west-1'), 'alias/a');
    await move(arnIn('us-west-2'), aliasIn('us-west-2'));
    await move('a', 'b');
    const expected = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'eu-west-1'];
    expect(await regions()).to.deep.equal(expected);
  });

  it('rejects re-encrypting from one region to another, and names the alternative (INVALID_INPUT)', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    const error = await rejection(
      keys.reEncrypt({
        ciphertext,
        source: { keyId: arnIn('us-east-1') },
        destination: { keyId: arnIn('us-east-2') },
      }),
    );
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'destination.keyId' });
    expect(error.message).to.contain('reEncryptAcross');
    expect(send.called).to.equal(false);
  });

  it('passes the options to every client', async () => {
    const keys = new KmsKeyWrapProvider({
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:8080/kms',
      credentials: CREDENTIALS,
      maxAttempts: 7,
      connectionTimeout: 11,
      requestTimeout: 13,
    });
    await keys.encrypt({ keyId: 'a', plaintext });
    await keys.encrypt({ keyId: arnIn('us-east-1'), plaintext });
    for (const { config } of clients()) {
      expect(await config.maxAttempts()).to.equal(7);
      expect(await config.credentials()).to.include(CREDENTIALS);
      expect(await config.endpoint?.()).to.include({ hostname: '127.0.0.1', port: 8080 });
      // The handler reads its options with the first request.
      const handler = config.requestHandler as unknown as { configProvider: Promise<object> };
      expect(await handler.configProvider).to.include({
        connectionTimeout: 11,
        requestTimeout: 13,
        throwOnRequestTimeout: true,
      });
    }
  });

  it('waits no longer than 30 seconds for a response by default', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    await keys.encrypt({ keyId: 'a', plaintext });
    const [{ config } = expect.fail()] = clients();
    const handler = config.requestHandler as unknown as { configProvider: Promise<object> };
    expect(await handler.configProvider).to.include({
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    });
  });

  it('uses a passed client for every region and leaves it open', async () => {
    sinon.restore();
    const passed = stubbedClient();
    passed.send.callsFake(respond);
    const destroyPassed = sinon.spy(passed.client, 'destroy');
    const keys = new KmsKeyWrapProvider({ client: passed.client });
    await keys.encrypt({ keyId: 'a', plaintext });
    await keys.encrypt({ keyId: arnIn('us-east-1'), plaintext });
    await keys.close();
    expect(passed.send.callCount).to.equal(2);
    expect(destroyPassed.called).to.equal(false);
  });

  it('destroys its own clients when it is closed, each once', async () => {
    const keys = new KmsKeyWrapProvider({ region: 'eu-west-1' });
    await keys.encrypt({ keyId: 'a', plaintext });
    await keys.encrypt({ keyId: arnIn('us-east-1'), plaintext });
    await keys.close();
    await keys.close();
    expect(new Set(destroy.thisValues)).to.deep.equal(new Set(clients()));
    expect(destroy.callCount).to.equal(2);
    expect(await rejection(keys.encrypt({ keyId: 'a', plaintext }))).to.include({ code: 'CLOSED' });
  });

  it('does not show credentials or grant tokens', async () => {
    const keys = new KmsKeyWrapProvider({
      region: 'eu-west-1',
      credentials: CREDENTIALS,
      grantTokens: ['a grant token'],
    });
    await keys.encrypt({ keyId: 'a', plaintext });
    const shown = inspect(keys, { depth: Infinity, showHidden: true }) + JSON.stringify(keys);
    for (const secret of [...Object.values(CREDENTIALS), 'a grant token']) {
      expect(shown).not.to.contain(secret);
    }
  });
});
