import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { expect } from 'chai';
import { Backend, isWiped, makeGate } from './backend.js';

const LIMITS = { maximumUses: 100, maximumBytes: 1000, maximumAge: 60_000 };
const INPUT = { keyId: 'orders', keySpec: 'AES_256' } as const;

describe('withDataKeyCache', () => {
  it('wipes everything when it is closed, closes the provider, and rejects later calls', async () => {
    const backend = new Backend();
    const keys = withDataKeyCache(backend, LIMITS);
    const dataKey = await keys.generateDataKey(INPUT, { bytesToEncrypt: 1 });
    await keys.decrypt({ ciphertext: dataKey.ciphertext });
    await keys.close();
    expect(backend.given.map(isWiped)).to.deep.equal([true, true]);
    expect(isWiped(dataKey.plaintext)).to.equal(false);
    expect(backend.isClosed).to.equal(true);
    for (const call of [
      keys.generateDataKey(INPUT, { bytesToEncrypt: 1 }),
      keys.decrypt({ ciphertext: dataKey.ciphertext }),
      keys.encrypt({ keyId: 'orders', plaintext: new Uint8Array(1) }),
    ]) {
      expect(await call.catch(({ code }) => code)).to.equal('CLOSED');
    }
  });

  it('waits for the calls in progress when it is closed, and wipes their secrets', async () => {
    const backend = new Backend();
    const { gate, open } = makeGate();
    backend.gate = gate;
    const keys = withDataKeyCache(backend, LIMITS);
    const underWay = keys.generateDataKey(INPUT, { bytesToEncrypt: 1 });
    const closing = keys.close();
    open();
    expect(isWiped((await underWay).plaintext)).to.equal(false);
    await closing;
    expect(backend.given.map(isWiped)).to.deep.equal([true]);
  });

  it('passes other calls on unchanged', async () => {
    const backend = new Backend();
    const keys = withDataKeyCache(backend, LIMITS);
    expect(keys.id).to.equal('test');
    expect(keys.capabilities).to.equal(backend.capabilities);
    const plaintext = new Uint8Array(8);
    for (let i = 0; i < 2; i++) {
      const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext });
      await keys.reEncrypt({ ciphertext, destination: { keyId: 'invoices' } });
      await keys.generateDataKeyWithoutPlaintext(INPUT);
    }
    expect(backend.calls).to.have.length(8);
  });

  it('shows no secret', async () => {
    const keys = withDataKeyCache(new Backend(), LIMITS);
    const { plaintext } = await keys.generateDataKey(INPUT, { bytesToEncrypt: 1 });
    const { inspect } = await import('node:util');
    const shown = inspect(keys, { depth: 10, showHidden: true, maxArrayLength: 100 });
    expect(shown).not.to.include([...plaintext].slice(0, 4).join(', '));
  });

  for (const [field, limits, options] of [
    ['limits', undefined, {}],
    ['limits.maximumUses', { maximumBytes: 1, maximumAge: 1 }, {}],
    ['limits.maximumBytes', { maximumUses: 1, maximumAge: 1 }, {}],
    ['limits.maximumAge', { maximumUses: 1, maximumBytes: 1 }, {}],
    ['limits.maximumUses', { ...LIMITS, maximumUses: 0 }, {}],
    ['limits.maximumUses', { ...LIMITS, maximumUses: 2 ** 32 + 1 }, {}],
    ['limits.maximumBytes', { ...LIMITS, maximumBytes: 1.5 }, {}],
    ['limits.maximumAge', { ...LIMITS, maximumAge: Infinity }, {}],
    ['limits.maxAge', { ...LIMITS, maxAge: 1 }, {}],
    ['options.maximumEntries', LIMITS, { maximumEntries: 0 }],
    ['options.now', LIMITS, { now: 1 }],
  ] as const) {
    it(`rejects ${JSON.stringify(limits)}, ${JSON.stringify(options)}: ${field}`, () => {
      expect(() => Reflect.apply(withDataKeyCache, null, [new Backend(), limits, options]))
        .to.throw()
        .that.includes({ code: 'INVALID_INPUT', field });
    });
  }

  it('rejects an invalid number of bytes', async () => {
    const keys = withDataKeyCache(new Backend(), LIMITS);
    for (const bytesToEncrypt of [-1, 1.5, Number.NaN]) {
      const error = await keys
        .generateDataKey(INPUT, { bytesToEncrypt })
        .catch((reason: unknown) => reason);
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.bytesToEncrypt' });
    }
  });
});
