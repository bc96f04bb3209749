import {
  type Call,
  type DecryptRequest,
  type EncryptRequest,
  InvalidInputError,
  KeyDisabledError,
  LIMITS,
  maximumPlaintextLength,
  UnsupportedOperationError,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, rejection } from '../support/failures.js';
import { ARN, MinimalProvider, OTHER_ARN, ScriptedProvider } from '../support/scripted-driver.js';

const ciphertext = Uint8Array.of(1);

describe('createProvider: functions that have a default', () => {
  describe('reEncrypt', () => {
    const source = { keyId: 'alias/old', encryptionContext: { from: 'a' } };
    const destination = { keyId: 'alias/new', encryptionContext: { to: 'b' } };

    it('decrypts with the source, encrypts with the destination, and names both keys', async () => {
      const plaintext = Uint8Array.of(4, 5, 6);
      const seen: unknown[] = [];
      const provider = new MinimalProvider({
        decrypt: async (request: DecryptRequest) => {
          seen.push(request.key?.text, { ...request.encryptionContext }, [...request.ciphertext]);
          return { plaintext, keyId: OTHER_ARN };
        },
        encrypt: async (request: EncryptRequest) => {
          seen.push(request.key?.text, { ...request.encryptionContext }, [...request.plaintext]);
          return { ciphertext: Uint8Array.of(9), keyId: ARN };
        },
      });
      const result = await provider.reEncrypt({ ciphertext, source, destination });

      expect(seen).to.deep.equal([
        ...['alias/old', { from: 'a' }, [1]],
        ...['alias/new', { to: 'b' }, [4, 5, 6]],
      ]);
      expect(result).to.deep.equal({
        ciphertext: Uint8Array.of(9),
        sourceKeyId: OTHER_ARN,
        sourceAlgorithm: 'SYMMETRIC_DEFAULT',
        destinationKeyId: ARN,
        destinationAlgorithm: 'SYMMETRIC_DEFAULT',
      });
      expect(plaintext, 'the plaintext in between').to.deep.equal(new Uint8Array(3));
    });

    it('wipes the plaintext in between when encrypting fails', async () => {
      const plaintext = Uint8Array.of(4, 5, 6);
      const provider = new MinimalProvider({
        decrypt: async () => ({ plaintext, keyId: OTHER_ARN }),
        encrypt: async () => {
          throw new KeyDisabledError('disabled');
        },
      });
      const call = provider.reEncrypt({ ciphertext, source, destination });
      await expectRejection(call, KeyDisabledError, {
        operation: 'reEncrypt',
        keyId: 'alias/new',
      });
      expect(plaintext).to.deep.equal(new Uint8Array(3));
    });

    it('passes the signal and the grant tokens to both', async () => {
      const calls: Call[] = [];
      const { script } = new ScriptedProvider();
      const provider = new MinimalProvider({
        decrypt: (request, call) => {
          calls.push(call);
          return script.decrypt(request, call);
        },
        encrypt: (request, call) => {
          calls.push(call);
          return script.encrypt(request, call);
        },
      });
      const { signal } = new AbortController();
      const grantTokens = ['token'];
      await provider.reEncrypt({ ciphertext, source, destination }, { signal, grantTokens });
      expect(calls).to.deep.equal([
        { signal, grantTokens, bytesToEncrypt: undefined },
        { signal, grantTokens, bytesToEncrypt: undefined },
      ]);
    });

    for (const algorithm of [
      'SYMMETRIC_DEFAULT',
      'RSAES_OAEP_SHA_1',
      'RSAES_OAEP_SHA_256',
    ] as const) {
      it(`moves 1 byte to the maximum of ${algorithm}, and rejects the rest before it encrypts`, async () => {
        const maximum = maximumPlaintextLength(algorithm);
        const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
        const move = (plaintext: Uint8Array) =>
          new MinimalProvider({
            encrypt,
            decrypt: async () => ({ plaintext, keyId: ARN }),
          }).reEncrypt({ ciphertext, destination: { keyId: ARN, algorithm } });

        for (const length of [1, maximum]) await move(new Uint8Array(length));
        expect(encrypt.callCount).to.equal(2);
        // A driver that decrypts to more than 4096 bytes is broken, and rejected as such.
        for (const length of maximum === LIMITS.plaintext ? [0] : [0, maximum + 1]) {
          const plaintext = new Uint8Array(length).fill(7);
          await expectRejection(move(plaintext), InvalidInputError, { field: 'ciphertext' });
          expect(plaintext.every((byte) => byte === 0)).to.equal(true);
        }
        expect(encrypt.callCount).to.equal(2);
      });
    }
  });

  describe('generateDataKey', () => {
    it('draws a new key each time and encrypts it under the context', async () => {
      const seen: number[][] = [];
      const encrypt = sinon.spy(async ({ plaintext }: EncryptRequest) => {
        seen.push([...plaintext]);
        return { ciphertext, keyId: ARN };
      });
      const provider = new MinimalProvider({ encrypt });
      const encryptionContext = { orderId: '7' };
      const input = { keyId: 'alias/orders', keySpec: 'AES_256', encryptionContext } as const;
      const first = await provider.generateDataKey(input);
      const second = await provider.generateDataKey(input);

      expect([[...first.plaintext], [...second.plaintext]]).to.deep.equal(seen);
      expect(first.plaintext).not.to.deep.equal(second.plaintext);
      expect(first.keyId).to.equal(ARN);
      const [request] = encrypt.firstCall.args;
      expect(request.key.text).to.equal('alias/orders');
      expect(request.algorithm).to.equal('SYMMETRIC_DEFAULT');
      expect({ ...encrypt.firstCall.args[0].encryptionContext }).to.deep.equal({ orderId: '7' });
    });

    it('wipes the key when it can not be encrypted', async () => {
      let drawn: Uint8Array | undefined;
      const provider = new MinimalProvider({
        encrypt: async ({ plaintext }) => {
          drawn = plaintext;
          expect(plaintext.some((byte) => byte !== 0)).to.equal(true);
          throw new KeyDisabledError('disabled');
        },
      });
      const call = provider.generateDataKey({ keyId: ARN, keySpec: 'AES_256' });
      await expectRejection(call, KeyDisabledError);
      expect(drawn).to.deep.equal(new Uint8Array(32));
    });

    it('without plaintext wipes it too', async () => {
      let drawn: Uint8Array | undefined;
      const provider = new MinimalProvider({
        encrypt: async ({ plaintext }) => {
          drawn = plaintext;
          return { ciphertext, keyId: ARN };
        },
      });
      const input = { keyId: ARN, numberOfBytes: 24 };
      const wrapped = await provider.generateDataKeyWithoutPlaintext(input);

      expect(wrapped).to.deep.equal({ ciphertext, keyId: ARN });
      expect(drawn).to.deep.equal(new Uint8Array(24));
    });
  });

  it('generateDataKeyPairWithoutPlaintext wipes the private key and does not return it', async () => {
    const privateKey = Uint8Array.of(1, 2, 3);
    const publicKey = Uint8Array.of(7);
    const provider = new ScriptedProvider({
      generateDataKeyPair: async () => ({
        publicKey,
        privateKey,
        privateKeyCiphertext: ciphertext,
        keyId: ARN,
      }),
    });
    const input = { keyId: ARN, keyPairSpec: 'RSA_2048' } as const;
    const result = await provider.generateDataKeyPairWithoutPlaintext(input);

    expect(result).to.deep.equal({
      publicKey,
      privateKeyCiphertext: ciphertext,
      keyPairSpec: 'RSA_2048',
      keyId: ARN,
    });
    expect(privateKey).to.deep.equal(new Uint8Array(3));
  });

  it('reject what a provider declared and did not implement (UNSUPPORTED)', async () => {
    const provider = new MinimalProvider();
    const pair = { keyId: ARN, keyPairSpec: 'RSA_2048' } as const;
    for (const call of [
      provider.getPublicKey({ keyId: ARN }),
      provider.generateDataKeyPair(pair),
      provider.generateDataKeyPairWithoutPlaintext(pair),
    ]) {
      await expectRejection(call, UnsupportedOperationError, { keyId: ARN });
    }
  });
});

describe('createProvider: capabilities', () => {
  const rejects = async (call: Promise<unknown>, operation: string) =>
    expectRejection(call, UnsupportedOperationError, { code: 'UNSUPPORTED', operation });
  const symmetric = { algorithms: ['SYMMETRIC_DEFAULT'] } as const;
  const asymmetric = { algorithms: ['RSAES_OAEP_SHA_256'] } as const;
  const algorithm = 'RSAES_OAEP_SHA_1';
  const plaintext = ciphertext;
  const keyId = ARN;

  it('an undeclared algorithm is rejected everywhere', async () => {
    for (const provider of [
      new ScriptedProvider({}, symmetric),
      new ScriptedProvider({}, asymmetric),
    ]) {
      await rejects(provider.encrypt({ keyId, plaintext, algorithm }), 'encrypt');
      await rejects(
        provider.decryptAsymmetric({ keyId, ciphertext, algorithm }),
        'decryptAsymmetric',
      );
      const side = { keyId, algorithm } as const;
      await rejects(
        provider.reEncrypt({ ciphertext, source: side, destination: { keyId } }),
        'reEncrypt',
      );
      await rejects(provider.reEncrypt({ ciphertext, destination: side }), 'reEncrypt');
    }
    await rejects(new ScriptedProvider({}, asymmetric).encrypt({ keyId, plaintext }), 'encrypt');
    await rejects(new ScriptedProvider({}, asymmetric).decrypt({ keyId, ciphertext }), 'decrypt');
  });

  it('public keys are rejected without an asymmetric algorithm', async () => {
    await rejects(new ScriptedProvider({}, symmetric).getPublicKey({ keyId }), 'getPublicKey');
    const { publicKey } = await new ScriptedProvider({}, asymmetric).getPublicKey({ keyId });
    expect(publicKey).to.have.length(1);
  });

  it('an encryption context is rejected where it can not be bound; an empty one counts as none', async () => {
    const provider = new ScriptedProvider({}, { encryptionContext: false });
    const encryptionContext = { a: 'b' };
    await rejects(provider.encrypt({ keyId, plaintext, encryptionContext }), 'encrypt');
    await rejects(provider.decrypt({ ciphertext, encryptionContext }), 'decrypt');
    await rejects(
      provider.generateDataKey({ keyId, keySpec: 'AES_256', encryptionContext }),
      'generateDataKey',
    );
    const result = await provider.encrypt({ keyId, plaintext, encryptionContext: {} });
    expect(result.keyId).to.equal(ARN);
  });

  it('a decrypt without a key id is rejected if the ciphertext does not identify its key', async () => {
    const provider = new ScriptedProvider({}, { keyIdFromCiphertext: false });
    await rejects(provider.decrypt({ ciphertext }), 'decrypt');
    await rejects(provider.reEncrypt({ ciphertext, destination: { keyId } }), 'reEncrypt');
    expect((await provider.decrypt({ keyId, ciphertext })).keyId).to.equal(ARN);
  });

  it('undeclared data keys are rejected', async () => {
    const provider = new ScriptedProvider({}, { dataKeys: false });
    const input = { keyId, keySpec: 'AES_256' } as const;
    await rejects(provider.generateDataKey(input), 'generateDataKey');
    await rejects(
      provider.generateDataKeyWithoutPlaintext(input),
      'generateDataKeyWithoutPlaintext',
    );
  });

  it('data key pairs of other kinds than the declared ones are rejected', async () => {
    const provider = new ScriptedProvider({}, { dataKeyPairSpecs: ['ECC_NIST_P256'] });
    const rsa = { keyId, keyPairSpec: 'RSA_2048' } as const;
    await rejects(provider.generateDataKeyPair(rsa), 'generateDataKeyPair');
    await rejects(
      provider.generateDataKeyPairWithoutPlaintext(rsa),
      'generateDataKeyPairWithoutPlaintext',
    );
    const pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' });
    expect(pair.keyPairSpec).to.equal('ECC_NIST_P256');
  });

  it('a rejected call reaches no hook', async () => {
    const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
    const provider = new ScriptedProvider({ encrypt }, { dataKeys: false });
    await rejection(provider.generateDataKey({ keyId, keySpec: 'AES_256' }));
    expect(encrypt.callCount).to.equal(0);
  });
});
