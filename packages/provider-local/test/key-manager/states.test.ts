import type { KeyState, KeyWrapErrorCode } from '@keywrap/core';
import type { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { expectRejection, fixture, open, rejection } from '../support.js';

// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, for the methods that exist.

const STATES = ['Enabled', 'Disabled', 'PendingImport', 'PendingDeletion'] as const;
type State = (typeof STATES)[number];

const MATERIAL = new Uint8Array(32).fill(7);

interface Subject {
  readonly keys: LocalKeyWrapProvider;
  readonly keyId: string;
  /** A ciphertext of the key, under the empty context. */
  readonly ciphertext: Uint8Array;
  /** Another key, enabled, and its ciphertext. */
  readonly other: { readonly keyId: string; readonly ciphertext: Uint8Array };
}

/** A key in this state. One of EXTERNAL origin has the state PendingImport, the others any. */
async function keyIn(state: State, origin: 'AWS_KMS' | 'EXTERNAL'): Promise<Subject> {
  const { provider: keys } = open();
  const { keyId } = await keys.createKey({ origin, alias: 'alias/subject' });
  const other = await keys.createKey({ alias: 'alias/other' });
  const sealed = await keys.encrypt({ keyId: other.keyId, plaintext: MATERIAL });
  let { ciphertext } = sealed;
  if (state !== 'PendingImport') {
    if (origin === 'EXTERNAL') await keys.importKeyMaterial({ keyId, keyMaterial: MATERIAL });
    ({ ciphertext } = await keys.encrypt({ keyId, plaintext: MATERIAL }));
  }
  if (state === 'Disabled') await keys.disableKey({ keyId });
  if (state === 'PendingDeletion') await keys.scheduleKeyDeletion({ keyId });
  expect((await keys.describeKey({ keyId })).keyState).to.equal(state);
  return { keys, keyId, ciphertext, other: sealed };
}

/** The state afterwards, or the code of the rejection; for Enabled, Disabled, PendingImport, PendingDeletion. */
type Outcome = KeyState | KeyWrapErrorCode;
type Row = readonly [
  method: string,
  outcomes: readonly [Outcome, Outcome, Outcome, Outcome],
  call: (subject: Subject) => Promise<unknown>,
];

/** Of the operations that use the key, on whichever side. */
const USE = ['Enabled', 'KEY_DISABLED', 'KEY_STATE', 'KEY_STATE'] as const;
/** Of those that don't care. */
const ALWAYS = STATES;
const UNTIL_DELETION = ['Enabled', 'Disabled', 'PendingImport', 'KEY_STATE'] as const;

const TABLE: readonly Row[] = [
  [
    'enableKey',
    ['Enabled', 'Enabled', 'KEY_STATE', 'KEY_STATE'],
    ({ keys, keyId }) => keys.enableKey({ keyId }),
  ],
  [
    'disableKey',
    ['Disabled', 'Disabled', 'KEY_STATE', 'KEY_STATE'],
    ({ keys, keyId }) => keys.disableKey({ keyId }),
  ],
  [
    'scheduleKeyDeletion',
    ['PendingDeletion', 'PendingDeletion', 'PendingDeletion', 'KEY_STATE'],
    ({ keys, keyId }) => keys.scheduleKeyDeletion({ keyId }),
  ],
  [
    'cancelKeyDeletion',
    ['KEY_STATE', 'KEY_STATE', 'KEY_STATE', 'Disabled'],
    ({ keys, keyId }) => keys.cancelKeyDeletion({ keyId }),
  ],
  [
    'rotateKey',
    ['Enabled', 'KEY_DISABLED', 'UNSUPPORTED', 'KEY_STATE'],
    ({ keys, keyId }) => keys.rotateKey({ keyId }),
  ],
  [
    'createAlias',
    UNTIL_DELETION,
    ({ keys, keyId }) => keys.createAlias({ alias: 'alias/new', keyId }),
  ],
  [
    'updateAlias to the key',
    UNTIL_DELETION,
    ({ keys, keyId }) => keys.updateAlias({ alias: 'alias/other', keyId }),
  ],
  [
    'updateAlias away from the key',
    ALWAYS,
    ({ keys, other }) => keys.updateAlias({ alias: 'alias/subject', keyId: other.keyId }),
  ],
  ['deleteAlias', ALWAYS, ({ keys }) => keys.deleteAlias({ alias: 'alias/subject' })],
  ['describeKey', ALWAYS, ({ keys, keyId }) => keys.describeKey({ keyId })],
  ['encrypt', USE, ({ keys, keyId }) => keys.encrypt({ keyId, plaintext: MATERIAL })],
  [
    'decrypt with the key named',
    USE,
    ({ keys, keyId, ciphertext }) => keys.decrypt({ keyId, ciphertext }),
  ],
  [
    'generateDataKey',
    USE,
    ({ keys, keyId }) => keys.generateDataKey({ keyId, keySpec: 'AES_256' }),
  ],
  [
    'generateDataKeyWithoutPlaintext',
    USE,
    ({ keys, keyId }) => keys.generateDataKeyWithoutPlaintext({ keyId, keySpec: 'AES_256' }),
  ],
  [
    'generateDataKeyPair',
    USE,
    ({ keys, keyId }) => keys.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' }),
  ],
  [
    'reEncrypt from the key',
    USE,
    ({ keys, keyId, ciphertext, other }) =>
      keys.reEncrypt({ ciphertext, source: { keyId }, destination: { keyId: other.keyId } }),
  ],
  [
    'reEncrypt to the key',
    USE,
    ({ keys, keyId, other }) =>
      keys.reEncrypt({ ciphertext: other.ciphertext, destination: { keyId } }),
  ],
  [
    'exportKeyMaterial',
    ['Enabled', 'Disabled', 'KEY_STATE', 'PendingDeletion'],
    ({ keys, keyId }) => keys.exportKeyMaterial({ keyId, format: 'raw' }),
  ],
];

describe('The life of a symmetric key', () => {
  for (const [method, outcomes, call] of TABLE) {
    for (const [index, state] of STATES.entries()) {
      const outcome = outcomes[index] as Outcome;
      it(`${method} in the state ${state}: ${outcome}`, async () => {
        const origin = state === 'PendingImport' ? 'EXTERNAL' : 'AWS_KMS';
        const subject = await keyIn(state, origin);
        const { keys, keyId } = subject;
        const isRejected = outcome === outcome.toUpperCase();
        if (isRejected) await expectRejection(call(subject), outcome as KeyWrapErrorCode);
        else await call(subject);
        const { keyState } = await keys.describeKey({ keyId });
        expect(keyState).to.equal(isRejected ? state : outcome);
      });
    }
  }

  for (const [state, code] of [
    ['Disabled', 'KEY_DISABLED'],
    ['PendingDeletion', 'KEY_STATE'],
  ] as const) {
    it(`decrypt without a key id, of what a key in the state ${state} made: ${code}`, async () => {
      const { keys, keyId, ciphertext } = await keyIn(state, 'AWS_KMS');
      const error = await rejection(keys.decrypt({ ciphertext }));
      expect(error).to.include({ code, keyId, operation: 'decrypt' });
    });
  }
});

describe('importKeyMaterial', () => {
  const outcomes = {
    Enabled: 'Enabled',
    Disabled: 'Disabled',
    PendingImport: 'Enabled',
    PendingDeletion: 'KEY_STATE',
  } as const;
  for (const state of STATES) {
    it(`of a key of origin EXTERNAL in the state ${state}: ${outcomes[state]}`, async () => {
      const { keys, keyId } = await keyIn(state, 'EXTERNAL');
      const importing = keys.importKeyMaterial({ keyId, keyMaterial: MATERIAL });
      if (state === 'PendingDeletion') await expectRejection(importing, 'KEY_STATE');
      else expect((await importing).keyState).to.equal(outcomes[state]);
    });
  }

  for (const state of ['Enabled', 'Disabled', 'PendingDeletion'] as const) {
    it(`of a key of origin AWS_KMS in the state ${state}: UNSUPPORTED`, async () => {
      const { keys, keyId } = await keyIn(state, 'AWS_KMS');
      const importing = keys.importKeyMaterial({ keyId, keyMaterial: MATERIAL });
      await expectRejection(importing, 'UNSUPPORTED');
    });
  }
});

describe('The life of an RSA key', () => {
  const algorithm = 'RSAES_OAEP_SHA_256';

  /** A key whose material was imported, and what it encrypted. */
  const openRsa = async () => {
    const { provider } = open({
      keys: [
        { keyId: 'alias/rsa', keySpec: 'RSA_2048', keyMaterial: fixture('rsa-2048.pem') },
        'alias/symmetric',
      ],
    });
    const { keyId } = await provider.describeKey({ keyId: 'alias/rsa' });
    const sealed = await provider.encrypt({ keyId, algorithm, plaintext: MATERIAL });
    return { provider, keyId, ciphertext: sealed.ciphertext };
  };

  for (const [name, code, put] of [
    ['disabled', 'KEY_DISABLED', 'disableKey'],
    ['waiting for its deletion', 'KEY_STATE', 'scheduleKeyDeletion'],
  ] as const) {
    it(`while ${name} it does nothing: ${code}`, async () => {
      const { provider, keyId, ciphertext } = await openRsa();
      await provider[put]({ keyId });
      const rsa = { keyId, algorithm } as const;
      const symmetric = { keyId: 'alias/symmetric' };
      await expectRejection(provider.encrypt({ ...rsa, plaintext: MATERIAL }), code);
      await expectRejection(provider.decryptAsymmetric({ ...rsa, ciphertext }), code);
      await expectRejection(provider.getPublicKey({ keyId }), code);
      await expectRejection(
        provider.reEncrypt({ ciphertext, source: rsa, destination: symmetric }),
        code,
      );
      const sealed = await provider.encrypt({ ...symmetric, plaintext: MATERIAL });
      await expectRejection(
        provider.reEncrypt({ ciphertext: sealed.ciphertext, destination: rsa }),
        code,
      );
    });
  }

  it('while it is pending import it has no public key', async () => {
    const { provider } = open();
    const { keyId, keyState } = await provider.createKey({
      keySpec: 'RSA_2048',
      origin: 'EXTERNAL',
    });
    expect(keyState).to.equal('PendingImport');
    await expectRejection(provider.getPublicKey({ keyId }), 'KEY_STATE');
    await provider.importKeyMaterial({ keyId, keyMaterial: fixture('rsa-2048.pem') });
    expect((await provider.getPublicKey({ keyId })).keySpec).to.equal('RSA_2048');
  });

  it('enabled again it decrypts what it encrypted before', async () => {
    const { provider, keyId, ciphertext } = await openRsa();
    await provider.disableKey({ keyId });
    await provider.enableKey({ keyId });
    const { plaintext } = await provider.decryptAsymmetric({ keyId, algorithm, ciphertext });
    expect(plaintext).to.deep.equal(MATERIAL);
  });
});
