import {
  AbortError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  openKeyWrapProvider,
  ProviderClosedError,
  reEncryptAcross,
  sealWithPublicKey,
  withTrustedKeys,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js } from './support/failures.js';
import { ToyDriver, ToyProvider } from './support/toy-provider.js';

const plaintext = Uint8Array.of(1, 2, 3);

describe('a caller who passes one thing for another', () => {
  it('is rejected when it is a built-in object instead of options or input', async () => {
    const provider = new ToyProvider();
    const input = { keyId: provider.addKey('alias/orders'), plaintext };
    const builtIns = [AbortSignal.abort(), new Map(), new Date(), Promise.resolve(), /x/];
    for (const wrong of builtIns) {
      const field = { field: 'options' };
      await expectRejection(provider.encrypt(input, js(wrong)), InvalidInputError, field);
      await expectRejection(provider.encrypt(js(wrong)), InvalidInputError, { field: 'input' });
    }
  });

  it('is rejected by its field when the plaintext of a reEncrypt does not fit', async () => {
    class Strict extends ToyDriver {
      async reEncrypt(): Promise<never> {
        throw new InvalidInputError('plaintext', 'must have at most 190 bytes');
      }
    }
    const provider = new ToyProvider(new Strict());
    const destination = { keyId: provider.addKey('alias/orders') };
    const call = provider.reEncrypt({ ciphertext: new Uint8Array(100), destination });
    const says = { field: 'ciphertext', operation: 'reEncrypt' };
    const { message } = await expectRejection(call, InvalidInputError, says);
    expect(message).to.include('at most 190 bytes');
  });

  it('is rejected by the parameter that is not a provider, a scheme or a list', async () => {
    const provider = new ToyProvider();
    const opens5 = { scheme: 'x', open: async () => js(5) };
    for (const [call, field] of [
      [withTrustedKeys(js(null), ['alias/orders']), 'provider'],
      [withTrustedKeys(js({}), ['alias/orders']), 'provider'],
      // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
      [withTrustedKeys(provider, js([, 'alias/orders'])), 'keyIds[0]'],
      [openKeyWrapProvider('x:', js(undefined)), 'schemes'],
      [openKeyWrapProvider('x:', js([undefined])), 'schemes'],
      [openKeyWrapProvider('x:', js([{ scheme: 'x' }])), 'schemes'],
      [openKeyWrapProvider('x:', [opens5]), 'schemes[0]'],
      [openKeyWrapProvider(js({ toString: () => js(null) }), [opens5]), 'url'],
    ] as const) {
      await expectRejection(call, InvalidInputError, { field });
    }
  });

  it('is rejected for a bad destination before reEncryptAcross decrypts anything', async () => {
    const provider = new ToyProvider();
    const keyId = provider.addKey('alias/orders');
    const { ciphertext } = await provider.encrypt({ keyId, plaintext });
    const decrypt = sinon.spy(provider, 'decrypt');
    for (const [destination, field] of [
      [{ provider: {}, keyId }, 'destination.provider'],
      [{ provider, keyId: 7 }, 'destination.keyId'],
      [{ provider }, 'destination.keyId'],
    ] as const) {
      const input = { ciphertext, source: { provider, keyId }, destination };
      await expectRejection(reEncryptAcross(js(input)), InvalidInputError, { field });
    }
    expect(decrypt.callCount).to.equal(0);
  });

  it('is rejected with the function that rejected a public key', async () => {
    const call = sealWithPublicKey(new Uint8Array(10), plaintext, 'RSAES_OAEP_SHA_256');
    const says = { field: 'publicKey', operation: 'sealWithPublicKey' };
    await expectRejection(call, InvalidInputError, says);
  });
});

describe('withTrustedKeys, compared with the bare provider', () => {
  async function setUp() {
    const provider = new ToyProvider();
    const orders = provider.addKey('alias/orders');
    const inbox = provider.addKey('alias/inbox', { keySpec: 'RSA_2048' });
    const signing = provider.addKey('alias/signing', { keyUsage: 'SIGN_VERIFY' });
    const trusted = await withTrustedKeys(provider, [orders, inbox, signing]);
    return { provider, trusted, orders, inbox, signing };
  }

  it('needs the key of an asymmetric source as well', async () => {
    const { trusted, orders, inbox } = await setUp();
    const algorithm = 'RSAES_OAEP_SHA_256';
    const { ciphertext } = await trusted.encrypt({ keyId: inbox, plaintext, algorithm });
    const source = js({ algorithm });
    await expectRejection(
      trusted.reEncrypt({ ciphertext, source, destination: { keyId: orders } }),
      InvalidInputError,
      { field: 'source.keyId', operation: 'reEncrypt' },
    );
  });

  it('does not report a bad destination as an untrusted ciphertext', async () => {
    const { trusted, orders, signing } = await setUp();
    const { ciphertext } = await trusted.encrypt({ keyId: orders, plaintext });
    const call = trusted.reEncrypt({ ciphertext, destination: { keyId: signing } });
    await expectRejection(call, InvalidKeyUsageError, { keyId: signing });
    const damaged = ciphertext.with(-1, (ciphertext.at(-1) as number) ^ 1);
    await expectRejection(trusted.decrypt({ ciphertext: damaged }), InvalidCiphertextError);
  });

  it('reports that it was closed or the call aborted, whatever key is named', async () => {
    const { trusted } = await setUp();
    const stranger = { keyId: 'alias/stranger', plaintext };
    const signal = AbortSignal.abort('enough');
    const aborted = await expectRejection(trusted.encrypt(stranger, { signal }), AbortError);
    expect(aborted.cause).to.equal('enough');
    await trusted.close();
    await expectRejection(trusted.encrypt(stranger), ProviderClosedError, { operation: 'encrypt' });
  });
});
