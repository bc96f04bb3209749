import {
  DecryptResult,
  InvalidCiphertextError,
  InvalidInputError,
  KeyDisabledError,
  KeyNotFoundError,
  reEncryptAcross,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection } from './support/failures.js';
import { ARN, ScriptedProvider } from './support/scripted-driver.js';
import { ToyProvider } from './support/toy-provider.js';

const plaintext = Uint8Array.of(1, 2, 3);
const algorithm = 'RSAES_OAEP_SHA_256';
const from = { encryptionContext: { from: 'a' } };
const to = { encryptionContext: { to: 'b' } };

function two() {
  const old = new ToyProvider();
  const now = new ToyProvider();
  return {
    old,
    now,
    orders: old.addKey('alias/orders'),
    archive: now.addKey('alias/archive', { region: 'us-east-1' }),
  };
}

describe('reEncryptAcross', () => {
  it('moves a ciphertext from one provider to another, each side with its context', async () => {
    const { old, now, orders, archive } = two();
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext, ...from });
    const moved = await reEncryptAcross({
      ciphertext,
      source: { provider: old, keyId: 'alias/orders', ...from },
      destination: { provider: now, keyId: 'alias/archive', ...to },
    });

    expect(moved).to.include({
      sourceKeyId: orders,
      sourceAlgorithm: 'SYMMETRIC_DEFAULT',
      destinationKeyId: archive,
      destinationAlgorithm: 'SYMMETRIC_DEFAULT',
    });
    using opened = await now.decrypt({ ciphertext: moved.ciphertext, keyId: archive, ...to });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  it('finds the key of a symmetric source by the ciphertext', async () => {
    const { old, now, orders, archive } = two();
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext });
    const destination = { provider: now, keyId: archive };
    const moved = await reEncryptAcross({ ciphertext, source: { provider: old }, destination });
    expect(moved.sourceKeyId).to.equal(orders);
  });

  it('moves to and from an asymmetric key', async () => {
    const { old, now } = two();
    const inbox = old.addKey('alias/inbox', { keySpec: 'RSA_2048' });
    const outbox = now.addKey('alias/outbox', { keySpec: 'RSA_2048' });
    const { ciphertext } = await old.encrypt({ keyId: inbox, algorithm, plaintext });
    const moved = await reEncryptAcross({
      ciphertext,
      source: { provider: old, keyId: inbox, algorithm },
      destination: { provider: now, keyId: outbox, algorithm: 'RSAES_OAEP_SHA_1' },
    });

    expect(moved).to.include({
      sourceAlgorithm: algorithm,
      destinationAlgorithm: 'RSAES_OAEP_SHA_1',
    });
    using opened = await now.decryptAsymmetric({
      keyId: outbox,
      ciphertext: moved.ciphertext,
      algorithm: 'RSAES_OAEP_SHA_1',
    });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  it('wipes the plaintext in between, also when the destination fails', async () => {
    const { old, now, orders, archive } = two();
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext });
    const retired = now.addKey('alias/retired', { keyState: 'Disabled' });
    const decrypt = sinon.spy(old, 'decrypt');
    const encrypt = sinon.spy(now, 'encrypt');
    const source = { provider: old };
    await reEncryptAcross({ ciphertext, source, destination: { provider: now, keyId: archive } });
    const failing = reEncryptAcross({
      ciphertext,
      source,
      destination: { provider: now, keyId: retired },
    });
    await expectRejection(failing, KeyDisabledError, { operation: 'encrypt', keyId: retired });

    for (const { args } of encrypt.getCalls()) {
      expect(args[0].plaintext).to.deep.equal(new Uint8Array(3));
    }
    for (const result of await Promise.all(decrypt.returnValues)) {
      expect(result).to.be.instanceOf(DecryptResult);
      expect(() => result.plaintext).to.throw('disposed');
    }
  });

  it('rejects as decrypt does, and then encrypts nothing', async () => {
    const { old, now, orders, archive } = two();
    const encrypt = sinon.spy(now, 'encrypt');
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext, ...from });
    const destination = { provider: now, keyId: archive };
    for (const [side, type] of [
      [{ keyId: orders }, InvalidCiphertextError],
      [{ keyId: 'alias/missing' }, KeyNotFoundError],
    ] as const) {
      const source = { provider: old, ...side };
      await expectRejection(reEncryptAcross({ ciphertext, source, destination }), type);
    }
    expect(encrypt.callCount).to.equal(0);
  });

  it('passes the signal and the grant tokens to both sides', async () => {
    const { old, now, orders, archive } = two();
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext });
    const [decrypt, encrypt] = [sinon.spy(old, 'decrypt'), sinon.spy(now, 'encrypt')];
    const options = { signal: new AbortController().signal, grantTokens: ['token'] };
    await reEncryptAcross(
      {
        ciphertext,
        source: { provider: old },
        destination: { provider: now, keyId: archive },
      },
      options,
    );
    expect(decrypt.firstCall.args[1]).to.equal(options);
    expect(encrypt.firstCall.args[1]).to.equal(options);
  });

  it('has copied its input when the promise is there', async () => {
    const { old, now, orders, archive } = two();
    const { ciphertext } = await old.encrypt({ keyId: orders, plaintext });
    const destination = { provider: now, keyId: archive, encryptionContext: { to: 'b' } };
    const moving = reEncryptAcross({ ciphertext, source: { provider: old }, destination });
    ciphertext.fill(0);
    destination.keyId = 'alias/evil';
    destination.encryptionContext.to = 'c';
    const moved = await moving;
    using opened = await now.decrypt({ ciphertext: moved.ciphertext, ...to });
    expect(opened.keyId).to.equal(archive);
  });

  it('rejects malformed input by its field, before either provider is called', async () => {
    const hook = sinon.stub().rejects(new Error('a hook was called'));
    const provider = new ScriptedProvider({ encrypt: hook, decrypt: hook });
    const side = { provider, keyId: ARN };
    const ciphertext = plaintext;
    for (const [input, field] of [
      [undefined, 'input'],
      [null, 'input'],
      [[], 'input'],
      [{ ciphertext, destination: side }, 'source'],
      [{ ciphertext, source: side }, 'destination'],
      [{ ciphertext, source: side, destination: { keyId: ARN } }, 'destination.provider'],
      [
        { ciphertext, source: { ...side, provider: 'local:' }, destination: side },
        'source.provider',
      ],
      [{ ciphertext, source: { ...side, provider: null }, destination: side }, 'source.provider'],
      [{ ciphertext, source: { ...side, context: {} }, destination: side }, 'source.context'],
      [{ ciphertext, source: side, destination: side, keyId: ARN }, 'keyId'],
      [
        { ciphertext, source: side, destination: { ...side, encryptionContext: { a: 1 } } },
        'destination.encryptionContext',
      ],
      [
        { ciphertext, source: { ...side, encryptionContext: [] }, destination: side },
        'source.encryptionContext',
      ],
    ] as const) {
      await expectRejection(reEncryptAcross(js(input)), InvalidInputError, {
        field,
        operation: 'reEncryptAcross',
      });
    }
    const noBytes = reEncryptAcross(js({ source: side, destination: side }));
    await expectRejection(noBytes, InvalidInputError, { field: 'ciphertext' });
    expect(hook.callCount).to.equal(0);
  });

  it('rejects a context with an asymmetric side', async () => {
    const provider = new ScriptedProvider();
    const side = { provider, keyId: ARN, algorithm, encryptionContext: {} };
    const plain = { provider, keyId: ARN };
    for (const [source, destination] of [
      [side, plain],
      [plain, side],
    ]) {
      const call = reEncryptAcross(js({ ciphertext: plaintext, source, destination }));
      expect(await rejection(call)).to.include({
        code: 'INVALID_INPUT',
        field: 'encryptionContext',
      });
    }
  });
});
