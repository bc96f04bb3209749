import { randomBytes, randomUUID } from 'node:crypto';
import {
  formatKeyArn,
  type KeyOrigin,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { ConformanceKeyRequest } from '@keywrap/testkit';
import type { Pair, PairSource } from './pairs.js';

export const SCOPE = { partition: 'hsm', region: 'here', account: '444455556666' };

/** A key inside the HSM. */
export interface HsmKey {
  readonly id: string;
  readonly arn: string;
  readonly spec: KeySpec;
  readonly usage: KeyUsage;
  readonly origin: KeyOrigin;
  readonly creationDate: Date;
  /** The AES-256 keys by version, from 1. */
  readonly versions: Map<number, Uint8Array>;
  readonly pair: Pair | undefined;
  /** A type that the HSM encrypts with, but whose ciphertexts bind no additional data. */
  readonly isForeign: boolean;
  state: KeyState;
  deletionDate: Date | undefined;
}

/** To use a key, or to read about it. */
export type Right = 'use' | 'describe';

export type Failure = 'throttled' | 'denied' | 'unavailable';

/** What the HSM's client library throws: an HTTP status or a socket's code. */
export class HsmError extends Error {
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(message: string, { status, code }: { status?: number; code?: string } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The errors of each failure, thrown in turn. */
const FAILURES: Readonly<Record<Failure, readonly (() => Error)[]>> = {
  throttled: [() => new HsmError('slow down', { status: 429 })],
  denied: [() => new HsmError('not allowed', { status: 403 })],
  unavailable: [
    () => Object.assign(new Error('timed out'), { name: 'TimeoutError' }),
    () => new HsmError('connection reset', { code: 'ECONNRESET' }),
    () => new HsmError('service unavailable', { status: 503 }),
  ],
};

/** An HSM on the network, shared by its clients: keys, and what its administrator does. */
export class Hsm {
  readonly keys = new Map<string, HsmKey>();
  /** The id of the key of each alias. */
  readonly aliases = new Map<string, string>();
  readonly destroyed = new Set<string>();
  #failures = 0;
  readonly #denied = new Map<string, Set<Right>>();
  readonly pairs: PairSource;
  failure: Failure | undefined;

  constructor(pairs: PairSource) {
    this.pairs = pairs;
  }

  /** A round trip. */
  async request(): Promise<void> {
    await undefined;
    if (this.failure !== undefined) throw this.#failed(this.failure);
  }

  #failed(kind: Failure): Error {
    const errors = FAILURES[kind];
    const make = errors[this.#failures++ % errors.length] as () => Error;
    return make();
  }

  /** @throws a 403 when the right to do this with the key was taken away. */
  allow(right: Right, key: HsmKey): void {
    if (this.#denied.get(key.arn)?.has(right)) throw this.#failed('denied');
  }

  async create({ keySpec, keyUsage, origin }: ConformanceKeyRequest, isForeign = false) {
    const id = randomUUID();
    const isPair = keySpec.startsWith('RSA') || keySpec.startsWith('ECC');
    const key: HsmKey = {
      id,
      arn: formatKeyArn(id, SCOPE),
      spec: keySpec,
      usage: keyUsage,
      origin: origin ?? 'AWS_KMS',
      creationDate: new Date(),
      versions: new Map([[1, randomBytes(32)]]),
      pair: isPair ? await this.pairs(keySpec as Parameters<PairSource>[0]) : undefined,
      isForeign,
      state: origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
      deletionDate: undefined,
    };
    this.keys.set(id, key);
    return { keyId: key.arn };
  }

  at(arn: string): HsmKey {
    const key = this.keys.get(arn.slice(arn.lastIndexOf('/') + 1));
    if (key === undefined) throw new HsmError('no such key', { status: 404 });
    return key;
  }

  async alias(alias: string, arn: string): Promise<void> {
    this.aliases.set(alias, this.at(arn).id);
  }
  async disable(arn: string): Promise<void> {
    this.at(arn).state = 'Disabled';
  }
  async enable(arn: string): Promise<void> {
    this.at(arn).state = 'Enabled';
  }
  async scheduleDeletion(arn: string): Promise<void> {
    const key = this.at(arn);
    key.state = 'PendingDeletion';
    key.deletionDate = new Date(Date.now() + 7 * 86_400_000);
  }
  async rotate(arn: string): Promise<void> {
    const { versions, pair } = this.at(arn);
    if (pair !== undefined) throw new UnsupportedOperationError('key pairs do not rotate here');
    versions.set(Math.max(...versions.keys()) + 1, randomBytes(32));
  }
  async moveAlias(alias: string, arn: string): Promise<void> {
    await this.alias(alias, arn);
  }
  async deleteSoftly(arn: string): Promise<void> {
    await this.scheduleDeletion(arn);
  }
  async removeOldVersions(arn: string): Promise<void> {
    const { versions } = this.at(arn);
    const latest = Math.max(...versions.keys());
    for (const version of versions.keys()) if (version !== latest) versions.delete(version);
  }
  async destroy(arn: string): Promise<void> {
    const { id } = this.at(arn);
    this.keys.delete(id);
    this.destroyed.add(id);
    for (const [alias, target] of this.aliases) if (target === id) this.aliases.delete(alias);
  }
  async createForeign(): Promise<{ readonly keyId: string }> {
    return this.create({ keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' }, true);
  }
  async deny(arn: string, right: Right): Promise<void> {
    const rights = this.#denied.get(arn) ?? new Set();
    this.#denied.set(arn, rights.add(right));
  }
}
