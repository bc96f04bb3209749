import { getEventListeners } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { Pkcs11KeyWrapProvider } from '@keywrap/provider-pkcs11';
import { expect } from 'chai';
import sinon from 'sinon';
import { rejection } from './support.js';
import { describeWithToken, newToken, PIN, SO_PIN, type TestToken } from './test-token.js';
import { administer, allow, destroy, makeKey } from './token-keys.js';

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const INPUT = { keyId: 'orders', plaintext: PLAINTEXT };

describeWithToken('A token', () => {
  let token: TestToken;
  let provider: Pkcs11KeyWrapProvider;
  before(async () => {
    token = await newToken('token');
    makeKey(token, 'orders', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    makeKey(token, 'rsa', 'RSA_2048', 'ENCRYPT_DECRYPT');
    provider = await Pkcs11KeyWrapProvider.open(token.options);
  });
  after(async () => {
    await provider.close();
    await token.close();
  });

  const open = (options: object = {}) =>
    Pkcs11KeyWrapProvider.open({ ...token.options, ...options });

  it('declares the hashes that its OAEP takes', () => {
    const { calls, constants } = token.library;
    expect(calls.C_GetMechanismList(token.slot)).to.include(constants.CKM_RSA_PKCS_OAEP);
    if (isSoftHsm()) {
      // It takes SHA-1 alone, which its list of mechanisms does not say.
      expect(provider.capabilities.algorithms).to.deep.equal([
        'SYMMETRIC_DEFAULT',
        'RSAES_OAEP_SHA_1',
      ]);
    }
  });

  it('leaves a library running that somebody else initialized, when it closes', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-pkcs11-'));
    const module = path.join(folder, 'library.so');
    await symlink(token.options.module, module);
    try {
      const other = await open({ module });
      await other.encrypt(INPUT);
      await other.close();
      await provider.encrypt(INPUT);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('runs more calls at once than it has sessions', async () => {
    const few = await open({ sessions: 2 });
    const calls = Array.from({ length: 50 }, async (_, i) => {
      const encryptionContext = { call: String(i) };
      const { ciphertext } = await few.encrypt({ ...INPUT, encryptionContext });
      return few.decrypt({ keyId: 'orders', ciphertext, encryptionContext });
    });
    for (const { plaintext } of await Promise.all(calls)) {
      expect(plaintext).to.deep.equal(PLAINTEXT);
    }
    await few.close();
  });

  it('tells a damaged ciphertext from a broken token, by any return value', async () => {
    const { ciphertext } = await provider.encrypt(INPUT);
    const under = await provider.encrypt({
      keyId: 'rsa',
      algorithm: 'RSAES_OAEP_SHA_1',
      plaintext: PLAINTEXT,
    });
    const damage = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte));
    const codes = [
      provider.decrypt({ keyId: 'orders', ciphertext: damage(ciphertext) }),
      provider.decryptAsymmetric({
        keyId: 'rsa',
        algorithm: 'RSAES_OAEP_SHA_1',
        ciphertext: damage(under.ciphertext),
      }),
    ].map(async (call) => (await rejection(call)).code);
    expect(await Promise.all(codes)).to.deep.equal(['INVALID_CIPHERTEXT', 'INVALID_CIPHERTEXT']);
    await provider.decrypt({ keyId: 'orders', ciphertext });
  });

  it('leaves no operation active after a failure, with one session too', async () => {
    const one = await open({ sessions: 1 });
    const { ciphertext } = await one.encrypt(INPUT);
    const rsa = { keyId: 'rsa', algorithm: 'RSAES_OAEP_SHA_1' } as const;
    const failures = [
      () => one.decrypt({ keyId: 'orders', ciphertext: ciphertext.slice(0, 29) }),
      () => one.decrypt({ keyId: 'orders', ciphertext: ciphertext.slice(1) }),
      () => one.decrypt({ keyId: 'orders', ciphertext, encryptionContext: { order: '7' } }),
      () => one.decryptAsymmetric({ ...rsa, ciphertext: new Uint8Array(256) }),
      () => one.decryptAsymmetric({ ...rsa, ciphertext: new Uint8Array(256).fill(255) }),
    ];
    for (const failure of failures) {
      expect((await rejection(failure())).code).to.equal('INVALID_CIPHERTEXT');
      const opened = await one.decrypt({ keyId: 'orders', ciphertext });
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
    }
    await one.close();
  });

  it('never asks the token for a secret of a key', async () => {
    const { calls, constants: c } = token.library;
    const read = sinon.spy(calls, 'C_GetAttributeValue');
    const wraps = sinon.spy(calls, 'C_WrapKey');
    try {
      const { ciphertext } = await provider.encrypt(INPUT);
      await provider.decrypt({ keyId: 'orders', ciphertext });
      for (const keyId of ['orders', 'rsa']) await provider.describeKey({ keyId });
      await provider.getPublicKey({ keyId: 'rsa' });
      const secrets = [c.CKA_VALUE, c.CKA_PRIVATE_EXPONENT, c.CKA_PRIME_1, c.CKA_PRIME_2];
      const types = read.args.flatMap(([, , template]) => template.map(({ type }) => type));
      expect(types).to.include(c.CKA_MODULUS).and.not.include.oneOf(secrets);
      expect(wraps.callCount).to.equal(0);
    } finally {
      read.restore();
      wraps.restore();
    }
  });

  it('encrypts nothing under numbers that are no RSA key (INTERNAL)', async () => {
    const { calls, constants: c } = token.library;
    const original = calls.C_GetAttributeValue.bind(calls);
    for (const exponent of [[1], [0, 0, 1], [2], [1, 0, 0]]) {
      const read = sinon
        .stub(calls, 'C_GetAttributeValue')
        .callsFake((session, key, template) =>
          original(session, key, template).map((attribute) =>
            attribute.type === c.CKA_PUBLIC_EXPONENT
              ? { ...attribute, value: Buffer.from(exponent) }
              : attribute,
          ),
        );
      try {
        const algorithm = 'RSAES_OAEP_SHA_1';
        for (const call of [
          provider.encrypt({ keyId: 'rsa', algorithm, plaintext: Uint8Array.of(1) }),
          provider.getPublicKey({ keyId: 'rsa' }),
        ]) {
          expect(await rejection(call)).to.include({ code: 'INTERNAL', retryable: false });
        }
      } finally {
        read.restore();
      }
    }
  });

  it('describes keys as they are: made in an HSM, nobody knows when', async () => {
    for (const keyId of ['orders', 'rsa']) {
      const key = await provider.describeKey({ keyId });
      expect(key).to.include({ origin: 'HSM', keyState: 'Enabled', creationDate: undefined });
    }
  });

  it('ends the wait for a session when the caller aborts, and leaves no listener', async () => {
    const { calls } = token.library;
    // The only session stays in use until this is called.
    let answer: (() => void) | undefined;
    const encrypt = sinon.stub(calls, 'C_EncryptAsync').callsFake(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      throw new Error('CKR_DEVICE_ERROR');
    });
    const one = await open({ sessions: 1 });
    try {
      const slow = rejection(one.encrypt(INPUT));
      while (answer === undefined) await new Promise(setImmediate);
      const controller = new AbortController();
      const { signal } = controller;
      const waiting = rejection(one.encrypt(INPUT, { signal }));
      controller.abort();
      expect((await waiting).code).to.equal('ABORTED');
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
      answer();
      expect((await slow).code).to.equal('UNAVAILABLE');
      expect(encrypt.callCount).to.equal(1);
    } finally {
      encrypt.restore();
    }
    await one.encrypt(INPUT);
    await one.close();
  });

  const RETURN_VALUES: Readonly<Record<string, string>> = {
    CKR_DEVICE_ERROR: 'UNAVAILABLE',
    CKR_GENERAL_ERROR: 'UNAVAILABLE',
    CKR_DEVICE_REMOVED: 'UNAVAILABLE',
    CKR_SESSION_COUNT: 'THROTTLED',
    CKR_DEVICE_MEMORY: 'THROTTLED',
    CKR_KEY_FUNCTION_NOT_PERMITTED: 'KEY_USAGE',
    CKR_MECHANISM_INVALID: 'UNSUPPORTED',
    CKR_USER_NOT_LOGGED_IN: 'ACCESS_DENIED',
  };
  for (const [name, code] of Object.entries(RETURN_VALUES)) {
    it(`reports ${name} as ${code}, and works on when it is over`, async () => {
      const encrypt = sinon.stub(token.library.calls, 'C_EncryptAsync').rejects(new Error(name));
      try {
        expect((await rejection(provider.encrypt(INPUT))).code).to.equal(code);
      } finally {
        encrypt.restore();
      }
      await provider.encrypt(INPUT);
    });
  }

  it('works on in new sessions when somebody closed them all', async () => {
    await provider.encrypt(INPUT);
    token.library.calls.C_CloseAllSessions(token.slot);
    await provider.encrypt(INPUT);
  });

  it('logs in again when somebody else in the process logged out', async () => {
    await provider.encrypt(INPUT);
    administer(token, (session) => token.library.calls.C_Logout(session));
    await provider.encrypt(INPUT);
  });

  it('works on when the library was reset', async () => {
    const { calls, constants } = token.library;
    await provider.encrypt(INPUT);
    calls.C_Finalize();
    const error = await rejection(provider.encrypt(INPUT));
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    calls.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK });
    await provider.encrypt(INPUT);
  });

  /** Changes the user's PIN and ends all sessions, as the token's administrator can. */
  const setPin = (pin: string) => {
    const { calls, constants: c } = token.library;
    calls.C_CloseAllSessions(token.slot);
    const session = calls.C_OpenSession(token.slot, c.CKF_SERIAL_SESSION | c.CKF_RW_SESSION);
    calls.C_Login(session, c.CKU_SO, SO_PIN);
    calls.C_InitPIN(session, pin);
    calls.C_CloseAllSessions(token.slot);
  };
  const isSoftHsm = () =>
    /SoftHSM/.test(token.library.calls.C_GetTokenInfo(token.slot).manufacturerID);
  const hasFlag = (flag: 'CKF_USER_PIN_COUNT_LOW' | 'CKF_USER_PIN_LOCKED') => {
    const { calls, constants } = token.library;
    return (calls.C_GetTokenInfo(token.slot).flags & constants[flag]) !== 0;
  };

  it('tries a PIN that became wrong once, so that the token is not locked (ACCESS_DENIED)', async () => {
    const logIn = sinon.spy(token.library.calls, 'C_Login');
    const patient = await open();
    setPin('23456789');
    try {
      logIn.resetHistory();
      // At once and in turn: kryoptic locks after ten.
      const calls = Array.from({ length: 10 }, () => rejection(patient.encrypt(INPUT)));
      for (const error of await Promise.all(calls)) expect(error.code).to.equal('ACCESS_DENIED');
      for (let i = 0; i < 10; i++) {
        const error = await rejection(patient.describeKey({ keyId: 'orders' }));
        expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
        expect(error.message).to.include('open the provider again');
      }
      expect(logIn.callCount).to.equal(1);
      // SoftHSM sets it after the first.
      if (isSoftHsm()) expect(hasFlag('CKF_USER_PIN_COUNT_LOW')).to.equal(true);
      expect(hasFlag('CKF_USER_PIN_LOCKED')).to.equal(false);
      await patient.close();
      await (await open({ pin: '23456789' })).close();
    } finally {
      logIn.restore();
      setPin(PIN);
    }
    await provider.encrypt(INPUT);
  });

  it('logs in with another PIN of the function, and not again with the refused one', async () => {
    const logIn = sinon.spy(token.library.calls, 'C_Login');
    let pin = PIN;
    const asking = await open({ pin: () => pin });
    setPin('23456789');
    try {
      for (let i = 0; i < 3; i++) {
        expect((await rejection(asking.encrypt(INPUT))).code).to.equal('ACCESS_DENIED');
      }
      logIn.resetHistory();
      pin = '23456789';
      await asking.encrypt(INPUT);
      expect(logIn.callCount).to.equal(1);
      await asking.close();
    } finally {
      logIn.restore();
      setPin(PIN);
    }
    await provider.encrypt(INPUT);
  });

  it('rejects a wrong PIN when it is opened, and shows no PIN (ACCESS_DENIED)', async () => {
    // Only one may be logged in, and it is for the whole process.
    token.library.calls.C_CloseAllSessions(token.slot);
    const error = await rejection(open({ pin: 'a wrong pin' }));
    expect(error.code).to.equal('ACCESS_DENIED');
    expect(inspect(error, { depth: 10 })).not.to.include('a wrong pin');
    expect(inspect(provider, { depth: 10, showHidden: true })).not.to.include(PIN);
  });

  it('takes the PIN from a function, whose failure is a mistake (ACCESS_DENIED)', async () => {
    for (const pin of [() => Promise.reject(new Error('no file')), () => undefined, () => '']) {
      token.library.calls.C_CloseAllSessions(token.slot);
      expect((await rejection(open({ pin }))).code).to.equal('ACCESS_DENIED');
    }
    token.library.calls.C_CloseAllSessions(token.slot);
    await (await open({ pin: async () => PIN })).close();
  });

  it('sees a key that was deleted and made again', async () => {
    makeKey(token, 'short-lived', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const input = { ...INPUT, keyId: 'short-lived' };
    const { ciphertext } = await provider.encrypt(input);
    destroy(token, 'short-lived');
    expect((await rejection(provider.encrypt(input))).code).to.equal('KEY_NOT_FOUND');
    makeKey(token, 'short-lived', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const error = await rejection(provider.decrypt({ keyId: 'short-lived', ciphertext }));
    expect(error.code).to.equal('INVALID_CIPHERTEXT');
  });

  it('rejects a label that several keys have (INVALID_INPUT)', async () => {
    for (let i = 0; i < 2; i++) makeKey(token, 'twice', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const error = await rejection(provider.encrypt({ ...INPUT, keyId: 'twice' }));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'keyId' });
  });

  it('lets a key that may decrypt only decrypt (KEY_STATE for the rest)', async () => {
    makeKey(token, 'old', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const { ciphertext } = await provider.encrypt({ ...INPUT, keyId: 'old' });
    allow(token, 'old', ['decrypt']);
    const opened = await provider.decrypt({ keyId: 'old', ciphertext });
    expect(opened.plaintext).to.deep.equal(PLAINTEXT);
    expect((await rejection(provider.encrypt({ ...INPUT, keyId: 'old' }))).code).to.equal(
      'KEY_STATE',
    );
  });

  it('names keys with any printable label, by alias and by ARN', async () => {
    makeKey(token, 'orders/2026:v1.b', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
    const named = await open({ aliases: { 'alias/orders': 'orders/2026:v1.b' } });
    const { keyId } = await named.describeKey({ keyId: 'orders/2026:v1.b' });
    for (const name of [keyId, 'alias/orders']) {
      expect((await named.describeKey({ keyId: name })).keyId).to.equal(keyId);
    }
    const elsewhere = keyId.replace('pkcs11', 'aws');
    expect((await rejection(named.describeKey({ keyId: elsewhere }))).code).to.equal(
      'KEY_NOT_FOUND',
    );
    await named.close();
  });

  it('is found by its serial number and model, and not by those of others', async () => {
    const { serialNumber, model } = token.library.calls.C_GetTokenInfo(token.slot);
    const name = { serial: serialNumber.trim(), model: model.trim() };
    await (await open({ token: name })).close();
    for (const wrong of [{ label: 'nobody' }, { ...name, manufacturer: 'nobody' }]) {
      const error = await rejection(open({ token: wrong }));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.token' });
      expect(error.message).to.include('"token"');
    }
  });

  it('is not a library that is not there, or is none (INVALID_INPUT)', async () => {
    for (const module of ['/nonexistent/library.so', process.execPath]) {
      const error = await rejection(open({ module }));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.module' });
    }
  });

  it('stays open for others when one provider is closed', async () => {
    await (await open()).close();
    await provider.encrypt(INPUT);
  });
});
