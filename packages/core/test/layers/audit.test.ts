import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  type AuditEvent,
  type AuditSink,
  InternalError,
  KeyNotFoundError,
  ProviderUnavailableError,
  withAuditLog,
  withTrustedKeys,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection } from '../support/failures.js';
import { ARN, CALLS, callMethod, METHODS, ScriptedProvider } from '../support/scripted-driver.js';
import { ToyProvider } from '../support/toy-provider.js';
import { ManagedProvider, managed } from './managed-provider.js';

const plaintext = Uint8Array.of(1, 2, 3);

/** A sink that keeps what it is given, and whether it was closed. */
function keeping() {
  const events: AuditEvent[] = [];
  const close = sinon.spy();
  return { events, close, sink: { write: (event: AuditEvent) => void events.push(event), close } };
}

/** A promise that the test settles itself. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('withAuditLog', () => {
  it('writes the keys as they were named and as they were used, and no value of a context', async () => {
    const { events, sink } = keeping();
    const toy = new ToyProvider();
    const [orders, archive] = [toy.addKey('alias/orders'), toy.addKey('alias/archive')];
    const keys = withAuditLog(toy, sink);
    const encryptionContext = { order: 'secret-7', customer: 'secret-acme' };
    const { ciphertext } = await keys.encrypt({
      keyId: 'alias/orders',
      plaintext,
      encryptionContext,
    });
    const source = { keyId: 'alias/orders', encryptionContext };
    await keys.reEncrypt({ ciphertext, source, destination: { keyId: 'alias/archive' } });
    await rejection(keys.decrypt({ keyId: 'alias/archive', ciphertext, encryptionContext }));
    const context = ['customer', 'order'];
    expect(events).to.deep.equal([
      { operation: 'encrypt', asked: ['alias/orders'], context, keys: [orders], outcome: 'ok' },
      {
        operation: 'reEncrypt',
        asked: ['alias/orders', 'alias/archive'],
        context,
        keys: [orders, archive],
        outcome: 'ok',
      },
      { operation: 'decrypt', asked: ['alias/archive'], context, outcome: 'INCORRECT_KEY' },
    ]);
  });

  it('writes every operation by the name of its method, those that manage keys too', async () => {
    const { events, sink } = keeping();
    const keys = withAuditLog(managed(), sink);
    for (const method of METHODS) await callMethod(keys, method, CALLS[method]);
    await keys.createKey({ alias: 'alias/new' });
    await keys.rotateKey({ keyId: 'alias/orders' });
    await keys.exportKey({ keyId: 'alias/orders' });
    expect(events.map(({ operation }) => operation)).to.deep.equal([
      ...METHODS,
      'createKey',
      'rotateKey',
      'exportKey',
    ]);
    expect(events.at(-3))
      .to.include({ outcome: 'ok' })
      .and.deep.include({ asked: ['alias/new'] });
    expect(keys).to.be.instanceOf(ManagedProvider);
  });

  it('writes calls that were rejected before they became a request', async () => {
    const { events, sink } = keeping();
    const keys = withAuditLog(new ScriptedProvider(), sink);
    const misspelt = { ...CALLS.encrypt, encryptioncontext: {} };
    await rejection(keys.encrypt(misspelt));
    await rejection(keys.decrypt(CALLS.decrypt, { signal: AbortSignal.abort() }));
    const hostile = Object.defineProperty({}, 'keyId', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    for (const input of [undefined, hostile]) await rejection(keys.encrypt(js(input)));
    const asked = ['alias/orders'];
    expect(events).to.deep.equal([
      { operation: 'encrypt', asked, outcome: 'INVALID_INPUT' },
      { operation: 'decrypt', asked, outcome: 'ABORTED' },
      { operation: 'encrypt', outcome: 'INVALID_INPUT' },
      { operation: 'encrypt', outcome: 'INVALID_INPUT' },
    ]);
  });

  it('writes what an inner layer rejects', async () => {
    const { events, sink } = keeping();
    const keys = withAuditLog(await withTrustedKeys(new ScriptedProvider(), [ARN]), sink);
    await rejection(keys.encrypt(CALLS.encrypt));
    expect(events).to.deep.equal([
      { operation: 'encrypt', asked: ['alias/orders'], outcome: 'UNTRUSTED_KEY' },
    ]);
  });

  it('returns or rejects after the call was written', async () => {
    const writing = gate();
    const keys = withAuditLog(new ScriptedProvider(), { write: () => writing.opened });
    const settled: string[] = [];
    const calls = [
      keys.encrypt(CALLS.encrypt).then(() => settled.push('result')),
      rejection(keys.encrypt(js({}))).then(() => settled.push('rejection')),
    ];
    await new Promise(setImmediate);
    expect(settled).to.deep.equal([]);
    writing.open();
    await Promise.all(calls);
    expect(settled).to.have.members(['result', 'rejection']);
  });

  it('does not return a result that it can not write (UNAVAILABLE), and wipes it', async () => {
    const secrets = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)] as const;
    const cause = new Error('the disk is full');
    const sink: AuditSink = { write: () => Promise.reject(cause) };
    const keys = withAuditLog(
      managed(
        { exportKey: async () => ({ material: secrets[1] }) },
        { decrypt: async () => ({ plaintext: secrets[0], keyId: ARN }) },
      ),
      sink,
    );
    const details = { operation: 'decrypt', keyId: 'alias/orders', cause };
    await expectRejection(keys.decrypt(CALLS.decrypt), ProviderUnavailableError, details);
    await expectRejection(keys.exportKey({ keyId: ARN }), ProviderUnavailableError);
    expect(secrets.map((secret) => [...secret])).to.deep.equal([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    await expectRejection(keys.encrypt(js({})), ProviderUnavailableError);
  });

  it('passes on the error of a sink that has a name for it', async () => {
    const error = new KeyNotFoundError('of the sink');
    const keys = withAuditLog(new ScriptedProvider(), {
      write() {
        throw error;
      },
    });
    expect(await rejection(keys.encrypt(CALLS.encrypt))).to.equal(error);
  });

  it('writes a call that was aborted while running when it has finished, with its real outcome', async () => {
    const { events, sink } = keeping();
    const working = gate();
    const encrypt = async () => {
      await working.opened;
      return { ciphertext: plaintext, keyId: ARN };
    };
    const keys = withAuditLog(new ScriptedProvider({ encrypt }), sink);
    const controller = new AbortController();
    const call = rejection(keys.encrypt(CALLS.encrypt, { signal: controller.signal }));
    controller.abort();
    expect(await call).to.include({ code: 'ABORTED' });
    expect(events).to.deep.equal([]);
    working.open();
    await keys.close();
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(['ok']);
  });

  it('closes the provider, and then the sink, once, when all calls were written', async () => {
    const { events, close, sink } = keeping();
    const working = gate();
    const order: string[] = [];
    const provider = new ScriptedProvider({
      encrypt: async () => {
        await working.opened;
        return { ciphertext: plaintext, keyId: ARN };
      },
      close: async () => void order.push('provider'),
    });
    const keys = withAuditLog(provider, {
      write: sink.write,
      close: async () => {
        order.push('sink');
        close();
      },
    });
    const call = keys.encrypt(CALLS.encrypt);
    const closing = [keys.close(), keys[Symbol.asyncDispose]()];
    await expectRejection(keys.encrypt(CALLS.encrypt), Error, { code: 'CLOSED' });
    working.open();
    await call;
    await Promise.all(closing);
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(['CLOSED', 'ok']);
    expect(order).to.deep.equal(['provider', 'sink']);
    await rejection(keys.encrypt(CALLS.encrypt));
    expect(events).to.have.length(2);
  });

  it('closes the sink also when closing the provider fails', async () => {
    const { close, sink } = keeping();
    const failing = new ScriptedProvider({ close: () => Promise.reject(new Error('gone')) });
    await expectRejection(withAuditLog(failing, sink).close(), InternalError);
    expect(close.callCount).to.equal(1);
  });

  it('writes to a file, a line for each call', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keywrap-audit-'));
    try {
      const file = path.join(folder, 'audit.jsonl');
      const write = (event: AuditEvent) => appendFile(file, `${JSON.stringify(event)}\n`);
      const keys = withAuditLog(new ScriptedProvider(), { write });
      await keys.encrypt(CALLS.encrypt);
      await keys.describeKey(CALLS.describeKey);
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).operation)).to.deep.equal([
        'encrypt',
        'describeKey',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('writes to a stream', async () => {
    const stream = new PassThrough();
    const keys = withAuditLog(new ScriptedProvider(), {
      write: (event) =>
        new Promise((resolve, reject) => {
          stream.write(`${event.operation}\n`, (error) => (error ? reject(error) : resolve()));
        }),
      close: () => new Promise((resolve) => stream.end(resolve)),
    });
    await keys.encrypt(CALLS.encrypt);
    const [written] = await Promise.all([text(stream), keys.close()]);
    expect(written).to.equal('encrypt\n');
  });

  it('bypasses no stub of the provider', async () => {
    const { events, sink } = keeping();
    const provider = new ScriptedProvider();
    sinon.stub(provider, 'encrypt').rejects(new KeyNotFoundError('of the stub'));
    await rejection(withAuditLog(provider, sink).encrypt(CALLS.encrypt));
    expect(events[0]).to.include({ outcome: 'KEY_NOT_FOUND' });
  });

  it('lets nothing that a caller passes decide how long a line is', async () => {
    const { events, sink } = keeping();
    const keys = withAuditLog(new ScriptedProvider(), sink);
    const names = Array.from({ length: 1000 }, (_, i) => [`${i}${'x'.repeat(1000)}`, 'value']);
    await rejection(
      keys.encrypt({
        keyId: 'x'.repeat(100_000),
        plaintext,
        encryptionContext: Object.fromEntries(names),
      }),
    );
    expect(JSON.stringify(events).length).to.be.lessThan(16 * 1024);
  });
});
