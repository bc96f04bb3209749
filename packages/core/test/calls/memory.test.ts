import type { DecryptRequest, EncryptRequest } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { rejection } from '../support/failures.js';
import { ARN, ScriptedProvider } from '../support/scripted-driver.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Keeps a copy of what the hook saw after a while, and the request itself. */
function watching() {
  const requests: EncryptRequest[] = [];
  const saw: object[] = [];
  const provider = new ScriptedProvider({
    encrypt: async (request) => {
      await turn();
      requests.push(request);
      saw.push({
        plaintext: [...request.plaintext],
        encryptionContext: { ...request.encryptionContext },
      });
      return { ciphertext: Uint8Array.of(9), keyId: ARN };
    },
  });
  return { provider, requests, saw };
}

describe('createProvider: memory', () => {
  it('has copied its input when it returns its promise, so that the caller can wipe it', async () => {
    const { provider, saw } = watching();
    const input = {
      keyId: ARN,
      plaintext: Uint8Array.of(1, 2, 3),
      encryptionContext: { orderId: '7' } as Record<string, string>,
    };
    const call = provider.encrypt(input);
    input.plaintext.fill(0);
    input.encryptionContext.orderId = '8';
    input.encryptionContext.more = 'x';
    input.keyId = 'alias/evil';

    expect(await call).to.include({ keyId: ARN });
    expect(saw).to.deep.equal([{ plaintext: [1, 2, 3], encryptionContext: { orderId: '7' } }]);
  });

  it('has copied a ciphertext and grant tokens as well', async () => {
    const seen: unknown[] = [];
    const provider = new ScriptedProvider({
      decrypt: async ({ ciphertext }: DecryptRequest, { grantTokens }) => {
        await turn();
        seen.push([...ciphertext], grantTokens);
        return { plaintext: Uint8Array.of(4), keyId: ARN };
      },
    });
    const ciphertext = Uint8Array.of(1, 2, 3);
    const grantTokens = ['token'];
    const call = provider.decrypt({ ciphertext }, { grantTokens });
    ciphertext.fill(0);
    grantTokens.push('another');
    await call;
    expect(seen).to.deep.equal([[1, 2, 3], ['token']]);
  });

  it("never changes the caller's input", async () => {
    const input = Object.freeze({
      keyId: ARN,
      plaintext: Uint8Array.of(1, 2, 3),
      encryptionContext: Object.freeze({ orderId: '7' }),
    });
    await watching().provider.encrypt(input);
    expect(input.plaintext).to.deep.equal(Uint8Array.of(1, 2, 3));
  });

  it('excludes the rest of a pool from the copy that a hook gets', async () => {
    const { provider, requests } = watching();
    const pool = Buffer.alloc(32, 0xaa);
    await provider.encrypt({ keyId: ARN, plaintext: pool.subarray(4, 7) });
    expect(requests[0]?.plaintext.buffer.byteLength).to.equal(3);
    expect(Buffer.isBuffer(requests[0]?.plaintext)).to.equal(false);
  });

  it('wipes its copy of a plaintext when the hook is done', async () => {
    const { provider, requests } = watching();
    await provider.encrypt({ keyId: ARN, plaintext: Uint8Array.of(1, 2, 3) });
    expect(requests[0]?.plaintext).to.deep.equal(new Uint8Array(3));
  });

  it('wipes its copy when the hook fails, at once or later, and when its result is rejected', async () => {
    const kept: Uint8Array[] = [];
    const hooks = [
      ({ plaintext }: EncryptRequest) => {
        kept.push(plaintext);
        throw new Error('at once');
      },
      async ({ plaintext }: EncryptRequest) => {
        kept.push(plaintext);
        await turn();
        throw new Error('later');
      },
      async ({ plaintext }: EncryptRequest) => {
        kept.push(plaintext);
        return { ciphertext: new Uint8Array(), keyId: ARN };
      },
    ];
    for (const encrypt of hooks) {
      const call = new ScriptedProvider({ encrypt }).encrypt({
        keyId: ARN,
        plaintext: Uint8Array.of(1, 2, 3),
      });
      expect(await rejection(call)).to.include({ code: 'INTERNAL' });
    }
    expect(kept).to.deep.equal([new Uint8Array(3), new Uint8Array(3), new Uint8Array(3)]);
  });

  it('tolerates a hook that transferred its copy to another thread', async () => {
    const provider = new ScriptedProvider({
      encrypt: async ({ plaintext }) => {
        structuredClone(plaintext, { transfer: [plaintext.buffer as ArrayBuffer] });
        return { ciphertext: Uint8Array.of(9), keyId: ARN };
      },
    });
    const result = await provider.encrypt({ keyId: ARN, plaintext: Uint8Array.of(1) });
    expect(result.ciphertext).to.deep.equal(Uint8Array.of(9));
    await provider.close();
  });

  describe('results', () => {
    const pooled = (...values: number[]) => {
      const slice = Buffer.alloc(32, 0xaa).subarray(4, 4 + values.length);
      slice.set(values);
      return slice;
    };
    const shared = (...values: number[]) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(values.length));
      bytes.set(values);
      return bytes;
    };

    for (const [what, make] of [
      ['a part of a pool', pooled],
      ['shared memory', shared],
      ['a Buffer', (...values: number[]) => Buffer.from(Uint8Array.from(values).buffer)],
    ] as const) {
      it(`own their memory when a hook returns ${what}`, async () => {
        const publicKey = make(7, 7);
        const provider = new ScriptedProvider({
          encrypt: async () => ({ ciphertext: make(1, 2), keyId: ARN }),
          decrypt: async () => ({ plaintext: make(3, 4), keyId: ARN }),
          generateDataKeyPair: async () => ({
            publicKey,
            privateKey: make(5, 6),
            privateKeyCiphertext: make(8, 9),
            keyId: ARN,
          }),
          getPublicKey: async () => ({
            publicKey,
            keyId: ARN,
            keySpec: 'RSA_2048',
            keyUsage: 'ENCRYPT_DECRYPT',
            algorithms: [],
          }),
        });
        const encrypted = await provider.encrypt({ keyId: ARN, plaintext: Uint8Array.of(1) });
        const decrypted = await provider.decrypt({ ciphertext: Uint8Array.of(1) });
        const moved = await provider.reEncrypt({
          ciphertext: Uint8Array.of(1),
          destination: { keyId: ARN },
        });
        const pair = await provider.generateDataKeyPair({
          keyId: ARN,
          keyPairSpec: 'ECC_NIST_P256',
        });
        const wrapped = await provider.generateDataKeyPairWithoutPlaintext({
          keyId: ARN,
          keyPairSpec: 'ECC_NIST_P256',
        });
        const found = await provider.getPublicKey({ keyId: ARN });

        const all = [
          [encrypted.ciphertext, 1, 2],
          [decrypted.plaintext, 3, 4],
          [moved.ciphertext, 1, 2],
          [pair.publicKey, 7, 7],
          [pair.privateKey, 5, 6],
          [pair.privateKeyCiphertext, 8, 9],
          [wrapped.publicKey, 7, 7],
          [wrapped.privateKeyCiphertext, 8, 9],
          [found.publicKey, 7, 7],
        ] as const;
        for (const [bytes, ...values] of all) {
          expect(bytes).to.deep.equal(Uint8Array.from(values));
          expect([bytes.byteOffset, bytes.buffer.byteLength]).to.deep.equal([0, values.length]);
          expect(Object.prototype.toString.call(bytes.buffer)).to.equal('[object ArrayBuffer]');
          expect(Object.getPrototypeOf(bytes)).to.equal(Uint8Array.prototype);
        }
      });
    }

    it('leave no secret in the pool that it came in', async () => {
      const plaintext = pooled(1, 2, 3);
      const privateKey = pooled(4, 5, 6);
      const provider = new ScriptedProvider({
        decrypt: async () => ({ plaintext, keyId: ARN }),
        generateDataKeyPair: async () => ({
          publicKey: Uint8Array.of(7),
          privateKey,
          privateKeyCiphertext: Uint8Array.of(8),
          keyId: ARN,
        }),
      });
      const decrypted = await provider.decrypt({ ciphertext: Uint8Array.of(1) });
      const pair = await provider.generateDataKeyPair({ keyId: ARN, keyPairSpec: 'RSA_2048' });

      expect([...decrypted.plaintext, ...pair.privateKey]).to.deep.equal([1, 2, 3, 4, 5, 6]);
      expect([...plaintext, ...privateKey]).to.deep.equal([0, 0, 0, 0, 0, 0]);
    });

    it('are not shared with the provider: a public key is a copy each time', async () => {
      const publicKey = Uint8Array.of(1, 2, 3);
      const getPublicKey = sinon.spy(async () => ({
        publicKey,
        keyId: ARN,
        keySpec: 'RSA_2048' as const,
        keyUsage: 'ENCRYPT_DECRYPT' as const,
        algorithms: [],
      }));
      const provider = new ScriptedProvider({ getPublicKey });
      (await provider.getPublicKey({ keyId: ARN })).publicKey.fill(0);
      const again = await provider.getPublicKey({ keyId: ARN });
      expect(again.publicKey).to.deep.equal(Uint8Array.of(1, 2, 3));
    });
  });
});
