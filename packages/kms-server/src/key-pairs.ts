import { availableParallelism } from 'node:os';
import { type DataKeyPairSpec, wipe } from '@keywrap/core';
import type { CryptoEngine } from '@keywrap/provider-local/driver';
import { KmsError } from './protocol/kms-error.js';

/** Makes key pairs. */
export type KeyPairMaker = Pick<CryptoEngine, 'generateKeyPair'>;

/** The client that waits for a response: its connection. */
export interface Client {
  /** Whether the connection is closed. */
  readonly destroyed: boolean;
  /** Whether it has closed its side: it has gone, or waits for the response alone. */
  readonly readableEnded: boolean;
  once(event: 'close' | 'end', listener: () => void): unknown;
  off(event: 'close' | 'end', listener: () => void): unknown;
}

/** One core answers the others, and one of Node.js's four threads stays free for what is quick. */
const AT_A_TIME = Math.max(1, Math.min(3, availableParallelism() - 1));

/**
 * Generates key pairs. RSA takes up to seconds of a core, so few are generated at a time, and none for a client
 * that has gone. One that has closed its side may have gone, so it does not wait for others.
 */
export class KeyPairs {
  readonly #engine: KeyPairMaker;
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** @param limit How many RSA key pairs are generated at a time. */
  constructor(engine: KeyPairMaker, limit = AT_A_TIME) {
    this.#engine = engine;
    this.#limit = limit;
  }

  /** Returns an engine for the requests of one client. Its calls reject when the client has gone. */
  for(client: Client): KeyPairMaker {
    return {
      generateKeyPair: (spec) =>
        spec.startsWith('RSA') ? this.#generate(spec, client) : this.#engine.generateKeyPair(spec),
    };
  }

  async #generate(spec: DataKeyPairSpec, client: Client) {
    const mayHaveGone = () => client.destroyed || client.readableEnded;
    while (this.#running >= this.#limit && !mayHaveGone()) await this.#turn(client);
    try {
      return await this.#run(spec, client);
    } finally {
      // Also when the client has gone that had the turn.
      const [next] = this.#waiting;
      next?.();
    }
  }

  async #run(spec: DataKeyPairSpec, client: Client) {
    if (client.destroyed || this.#running >= this.#limit) throw clientGone();
    this.#running += 1;
    try {
      const pair = await this.#engine.generateKeyPair(spec);
      if (!client.destroyed) return pair;
      wipe(pair.privateKey);
      throw clientGone();
    } finally {
      this.#running -= 1;
    }
  }

  /** Waits until another is done, or the client has gone. */
  #turn(client: Client): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(go);
        client.off('close', go);
        client.off('end', go);
        resolve();
      };
      this.#waiting.add(go);
      client.once('close', go);
      client.once('end', go);
    });
  }
}

/** Nobody but a client that has closed its side alone reads it; it is logged. */
function clientGone(): KmsError {
  return new KmsError(
    'ClientGoneException',
    'The client closed the connection, or its side of it before the key pair had its turn.',
    499,
  );
}
