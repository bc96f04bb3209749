import type { DecryptInput } from '@keywrap/core';
import { casesOf } from '../case.js';
import { check, expectBytes, expectError, sameBytes } from '../expect.js';
import { OWN_RUNTIME, SYMMETRIC } from '../needs.js';
import { expectOpens } from '../round-trip.js';
import { inputCopied } from './input-at-call.js';

/** Bytes in other forms, and frozen input. */
export const inputMemoryCases = casesOf(
  inputCopied,
  [
    {
      id: 'MEM-501',
      title: 'reads the bytes of a view, not of the buffer around it',
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret(96).subarray(32, 64);
        const sealed = (await provider.encrypt({ keyId, plaintext })).ciphertext;
        const room = new Uint8Array(sealed.length + 32);
        room.set(sealed, 16);
        const ciphertext = room.subarray(16, 16 + sealed.length);
        await expectOpens(provider, { keyId, plaintext, ciphertext }, 'the plaintext of the view');
      },
    },
    {
      id: 'MEM-502',
      title: 'accepts a Buffer, and does not change it',
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        // A page has no Buffer, but may have another subclass.
        const Bytes = globalThis.Buffer ?? class extends Uint8Array {};
        const plaintext = Bytes.from(secret());
        const before = Bytes.from(plaintext);
        const sealed = await provider.encrypt({ keyId, plaintext });
        const ciphertext = Bytes.from(sealed.ciphertext);
        await expectOpens(provider, { keyId, plaintext: before, ciphertext });
        check(sameBytes(plaintext, before), 'a Buffer that is not changed', 'other bytes in it');
      },
    },
    {
      id: 'MEM-503',
      title:
        'reads an input again when it is used again, with other bytes and pairs in the same objects',
      needs: ['encryptionContext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const input = { keyId, plaintext: secret(), encryptionContext: { tenant: '0' } };
        const made: { readonly ciphertext: Uint8Array; readonly plaintext: Uint8Array }[] = [];
        for (let i = 0; i < 3; i++) {
          input.plaintext.set(secret());
          input.encryptionContext.tenant = `${i}`;
          const { ciphertext } = await provider.encrypt(input);
          made.push({ ciphertext, plaintext: input.plaintext.slice() });
        }
        const opening = {
          keyId,
          ciphertext: made[0]?.ciphertext.slice(),
          encryptionContext: input.encryptionContext,
        };
        for (const [i, { ciphertext, plaintext }] of made.entries()) {
          opening.ciphertext?.set(ciphertext);
          opening.encryptionContext.tenant = `${i}`;
          await expectOpens(provider, { ...opening, ciphertext, plaintext });
          const again = await provider.decrypt(opening as DecryptInput);
          expectBytes(again.plaintext, plaintext, 'the plaintext of what is there now');
          opening.encryptionContext.tenant = 'another';
          const call = provider.decrypt(opening as DecryptInput);
          await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decrypt' });
        }
      },
    },
    {
      id: 'MEM-504',
      title: 'accepts frozen input, so it changes nothing in it',
      needs: ['encryptionContext'],
      async run({ provider, keys, secret }) {
        const encryptionContext = Object.freeze({ b: '1', a: '2' });
        const key = { keyId: await keys.get(), encryptionContext };
        const plaintext = secret();
        const { ciphertext } = await provider.encrypt(Object.freeze({ ...key, plaintext }));
        await provider.decrypt(Object.freeze({ ...key, ciphertext }));
        await expectOpens(provider, { ...key, plaintext, ciphertext });
        const input = { ...key, encryptionContext: { b: '1', a: '2' }, plaintext };
        await provider.encrypt(input);
        const isFree = !Object.isFrozen(input) && !Object.isFrozen(input.encryptionContext);
        check(isFree, 'input that its owner can still change', 'frozen input');
      },
    },
  ],
  [...SYMMETRIC, OWN_RUNTIME],
);
