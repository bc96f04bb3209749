import { expect } from 'chai';
import { ALL, expectRejection, idOf, open, utf8 } from '../support.js';

const DAY = 24 * 60 * 60 * 1000;

describe('scheduleKeyDeletion', () => {
  it('waits 30 days by default, and returns the date', async () => {
    const { provider, clock } = open();
    for (const [given, days] of [
      [undefined, 30],
      [7, 7],
      [30, 30],
    ] as const) {
      const { keyId } = await provider.createKey();
      const pending = await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: given });
      expect(pending.keyState).to.equal('PendingDeletion');
      expect(pending.deletionDate).to.deep.equal(new Date(clock.now().getTime() + days * DAY));
      expect(await provider.describeKey({ keyId })).to.deep.equal(pending);
    }
  });

  it('rejects an invalid window', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey();
    for (const pendingWindowInDays of [6, 31, 7.5, -7, Number.NaN, '7', null]) {
      const input = { keyId, pendingWindowInDays: pendingWindowInDays as number };
      await expectRejection(
        provider.scheduleKeyDeletion(input),
        'INVALID_INPUT',
        'pendingWindowInDays',
      );
    }
    expect((await provider.describeKey({ keyId })).keyState).to.equal('Enabled');
  });

  it('can be cancelled on the last day, which leaves the key disabled', async () => {
    const { provider, clock } = open();
    const { keyId } = await provider.createKey();
    const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('kept') });
    await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    clock.passDays(6.999);
    const saved = await provider.cancelKeyDeletion({ keyId });
    expect(saved.keyState).to.equal('Disabled');
    expect(saved).not.to.have.property('deletionDate');
    clock.passDays(100);
    await provider.enableKey({ keyId });
    expect((await provider.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('kept'));
  });

  it('when cancelled, leaves a key without material pending import', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ origin: 'EXTERNAL' });
    await provider.scheduleKeyDeletion({ keyId });
    expect((await provider.cancelKeyDeletion({ keyId })).keyState).to.equal('PendingImport');
  });
});

describe('When the window has passed', () => {
  const deleted = async () => {
    const { provider, store, clock } = open();
    const { keyId } = await provider.createKey({ alias: 'alias/gone' });
    await provider.createAlias({ alias: 'alias/also-gone', keyId });
    const kept = await provider.createKey({ alias: 'alias/kept' });
    const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('lost') });
    await provider.rotateKey({ keyId });
    const materials = store.peekKey(keyId)?.versions.map(({ material }) => material) ?? [];
    await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    clock.passDays(7);
    return { provider, store, keyId, kept, ciphertext, materials };
  };

  it('the key is not found by any name', async () => {
    const { provider, keyId } = await deleted();
    for (const name of [keyId, idOf(keyId), 'alias/gone', 'alias/also-gone']) {
      await expectRejection(provider.describeKey({ keyId: name }), 'KEY_NOT_FOUND');
    }
    await expectRejection(provider.cancelKeyDeletion({ keyId }), 'KEY_NOT_FOUND');
  });

  it('its ciphertexts refer to a key that does not exist', async () => {
    const { provider, keyId, kept, ciphertext } = await deleted();
    await expectRejection(provider.decrypt({ keyId, ciphertext }), 'KEY_NOT_FOUND');
    await expectRejection(provider.decrypt({ ciphertext }), 'ACCESS_DENIED');
    await expectRejection(provider.decrypt({ keyId: kept.keyId, ciphertext }), 'INCORRECT_KEY');
  });

  it('neither it nor its aliases are listed', async () => {
    const first = await deleted();
    const aliases = await first.provider.listAliases();
    expect(aliases.map(({ alias }) => alias)).to.deep.equal(['alias/kept']);
    const second = await deleted();
    const keys = await second.provider.listKeys();
    expect(keys.map(({ keyId }) => keyId)).to.deep.equal([second.kept.keyId]);
  });

  it('its aliases are free', async () => {
    const { provider, kept } = await deleted();
    const { keyId } = await provider.createAlias({ alias: 'alias/gone', keyId: kept.keyId });
    expect(keyId).to.equal(kept.keyId);
    const again = await deleted();
    const { keyId: newKey } = await again.provider.createKey({ alias: 'alias/gone' });
    expect((await again.provider.describeKey({ keyId: 'alias/gone' })).keyId).to.equal(newKey);
  });

  it('its aliases can be neither moved nor deleted', async () => {
    const { provider, kept } = await deleted();
    await expectRejection(provider.deleteAlias({ alias: 'alias/gone' }), 'KEY_NOT_FOUND');
    await expectRejection(
      provider.updateAlias({ alias: 'alias/also-gone', keyId: kept.keyId }),
      'KEY_NOT_FOUND',
    );
  });

  it('its material is wiped, every version of it', async () => {
    const { provider, store, keyId, materials } = await deleted();
    expect(materials).to.have.length(2);
    await provider.listKeys();
    expect(store.peekKey(keyId)).to.equal(undefined);
    for (const material of materials) expect(material?.isDestroyed).to.equal(true);
  });

  it('a later key with its id has new material', async () => {
    const { provider, store, clock } = open({ createMissingKeys: true });
    const keyId = 'orders';
    const { ciphertext } = await provider.encrypt({ keyId, plaintext: utf8('lost') });
    await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    clock.passDays(7);
    const sealed = await provider.encrypt({ keyId, plaintext: utf8('new') });
    expect(await store.listKeys(ALL)).to.have.length(1);
    const opened = await provider.decrypt({ ciphertext: sealed.ciphertext });
    expect(opened.plaintext).to.deep.equal(utf8('new'));
    await expectRejection(provider.decrypt({ keyId, ciphertext }), 'INVALID_CIPHERTEXT');
  });
});
