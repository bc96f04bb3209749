import { EventEmitter } from 'node:events';
import { type EncodedKeyPair, selectEngine } from '@keywrap/provider-local/driver';
import { expect } from 'chai';
import { KeyPairs } from '#dist/key-pairs.js';
import type { RequestLog } from '#dist/log.js';
import { connectTo, requestText } from './raw-http.js';
import { start } from './support.js';

/** An engine whose key pairs are ready when a test says so. */
class Engine {
  readonly running: { readonly spec: string; readonly pair: EncodedKeyPair; done(): void }[] = [];
  most = 0;

  generateKeyPair(spec: string): Promise<EncodedKeyPair> {
    return new Promise((resolve) => {
      const pair = { publicKey: Uint8Array.of(1), privateKey: Uint8Array.of(2) };
      const one = {
        spec,
        pair,
        done: () => {
          this.running.splice(this.running.indexOf(one), 1);
          resolve(pair);
        },
      };
      this.running.push(one);
      this.most = Math.max(this.most, this.running.length);
    });
  }
}

class FakeClient extends EventEmitter {
  destroyed = false;
  readableEnded = false;

  /** Closes its side. */
  end(): void {
    this.readableEnded = true;
    this.emit('end');
  }

  leave(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const outcomes = async (all: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((each) =>
    each.status === 'fulfilled' ? 'made' : each.reason.type,
  );

describe('RSA key pairs', () => {
  let engine: Engine;
  let keyPairs: KeyPairs;
  beforeEach(() => {
    engine = new Engine();
    keyPairs = new KeyPairs(engine, 2);
  });

  const make = (client: FakeClient, spec: 'RSA_4096' | 'ECC_NIST_P256' = 'RSA_4096') =>
    keyPairs.for(client).generateKeyPair(spec);

  it('are generated few at a time, and every client gets its own', async () => {
    const clients = Array.from({ length: 7 }, () => new FakeClient());
    const made = Promise.all(clients.map((client) => make(client)));
    for (let i = 0; i < 7; i++) {
      await settled();
      engine.running[0]?.done();
    }
    expect(new Set(await made).size).to.equal(7);
    expect(engine.most).to.equal(2);
    for (const client of clients) expect(client.eventNames()).to.deep.equal([]);
  });

  it('are generated for clients that have closed their side, but those do not wait for others', async () => {
    const clients = Array.from({ length: 5 }, () => new FakeClient());
    clients[0]?.end();
    const all = outcomes(clients.map((client) => make(client)));
    await settled();
    for (const client of [clients[1], clients[2], clients[3]]) client?.end();
    await settled();
    while (engine.running.length > 0) {
      engine.running[0]?.done();
      await settled();
    }
    const gone = 'ClientGoneException';
    expect(await all).to.deep.equal(['made', 'made', gone, gone, 'made']);
    const late = new FakeClient();
    const others = outcomes([1, 2].map(() => make(new FakeClient())));
    late.end();
    expect(await outcomes([make(late)])).to.deep.equal([gone]);
    while (engine.running.length > 0) {
      engine.running[0]?.done();
      await settled();
    }
    expect(await others).to.deep.equal(['made', 'made']);
  });

  it('are not generated for clients that have gone, and the next in the queue gets its turn', async () => {
    const clients = Array.from({ length: 6 }, () => new FakeClient());
    const all = outcomes(clients.map((client) => make(client)));
    await settled();
    for (const client of clients.slice(1, 5)) client.leave();
    await settled();
    const [, second] = engine.running;
    second?.done();
    await settled();
    // What was ready too late is wiped.
    expect(second?.pair.privateKey).to.deep.equal(Uint8Array.of(0));
    expect(engine.running).to.have.length(2);
    for (const each of [...engine.running]) each.done();
    const gone = 'ClientGoneException';
    expect(await all).to.deep.equal(['made', gone, gone, gone, gone, 'made']);
  });

  it('do not lose a turn to a client that leaves in the same moment', async () => {
    const clients = Array.from({ length: 4 }, () => new FakeClient());
    const all = outcomes(clients.map((client) => make(client)));
    await settled();
    engine.running[0]?.done();
    // Its socket is destroyed, and says so later.
    if (clients[2] !== undefined) clients[2].destroyed = true;
    await settled();
    clients[2]?.leave();
    await settled();
    for (const each of [...engine.running]) each.done();
    expect(await all).to.deep.equal(['made', 'made', 'ClientGoneException', 'made']);
  });

  it('make no elliptic curve wait', async () => {
    const waiting = [1, 2, 3].map(() => make(new FakeClient()));
    const quick = make(new FakeClient(), 'ECC_NIST_P256');
    await settled();
    engine.running.find(({ spec }) => spec === 'ECC_NIST_P256')?.done();
    await quick;
    while (engine.running.length > 0) {
      engine.running[0]?.done();
      await settled();
    }
    await Promise.all(waiting);
  });

  // Whatever the machine's speed: what the loop does is what other clients wait for.
  it('leave the event loop idle while they are generated', async () => {
    const generating = new KeyPairs(await selectEngine('node')).for(new FakeClient());
    const before = performance.eventLoopUtilization();
    await generating.generateKeyPair('RSA_2048');
    expect(performance.eventLoopUtilization(before).utilization).to.be.lessThan(0.5);
  });

  it('of clients that have gone make no key, and others are answered meanwhile', async () => {
    const log: RequestLog[] = [];
    let logged = () => {};
    await using subject = await start({
      log: (each) => {
        log.push(each);
        logged();
      },
    });
    const until = async (isDone: () => boolean) => {
      while (!isDone()) {
        await new Promise<void>((resolve) => {
          logged = resolve;
        });
      }
    };
    const body = '{"KeySpec":"RSA_4096","KeyUsage":"SIGN_VERIFY"}';
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => connectTo(subject.server.port)),
    );
    for (const socket of sockets) socket.write(requestText('CreateKey', body));
    const other = await connectTo(subject.server.port);
    const ends = () => log.filter(({ operation }) => operation === 'CreateKey');
    for (let i = 0; i < 20; i++) {
      const before = log.length;
      other.write(requestText('ListKeys'));
      await until(() => log.slice(before).some(({ operation }) => operation === 'ListKeys'));
    }
    // Twenty answers, while twelve keys would take seconds on any machine.
    expect(ends().length).to.be.lessThan(12);
    for (const socket of sockets) socket.destroy();
    await until(() => ends().length === 12);
    const made = ends().filter(({ outcome }) => outcome === 'ok').length;
    expect(made).to.be.lessThan(12);
    expect(ends().filter(({ outcome }) => outcome === 'ClientGoneException')).to.have.length(
      12 - made,
    );
    other.destroy();
    const { Keys } = await subject.clientFor('us-east-1').listKeys({});
    expect(Keys).to.have.length(made);
  });
});
