import type { KeyRecord } from './key-record.js';

/** A store may answer at once or later. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Goes on with an answer, at once if the store gave it at once: a promise for each step would take as
 * long as the cryptography.
 */
export function andThen<T, Next>(
  answer: Awaitable<T>,
  next: (value: T) => Awaitable<Next>,
): Awaitable<Next> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/**
 * Where the local provider keeps its keys. Each method is atomic: another caller sees the store as it
 * was before, or as it is after. A store keeps what it is given and checks no rules of its own.
 */
export interface KeyStore {
  /** The key with this id. */
  readKey(id: string): Awaitable<KeyRecord | undefined>;

  /** All keys, oldest first. */
  listKeys(): Awaitable<readonly KeyRecord[]>;

  /**
   * Keeps what `change` makes of the key with this id: a new key where there was none, no key where it
   * gives `undefined`. Whatever `change` throws is thrown on, and the store stays as it was. It may be
   * called again, with what another process has made of the key meanwhile: the last result counts.
   * With a key go its aliases.
   */
  changeKey(
    id: string,
    change: (current: KeyRecord | undefined) => KeyRecord | undefined,
  ): Awaitable<void>;

  /** The id of the key that an alias stands for. */
  readAlias(alias: string): Awaitable<string | undefined>;

  /** All aliases and the ids of their keys, sorted by name. */
  listAliases(): Awaitable<readonly (readonly [alias: string, id: string])[]>;

  /** As {@link changeKey}, for the id that an alias stands for. */
  changeAlias(
    alias: string,
    change: (current: string | undefined) => string | undefined,
  ): Awaitable<void>;

  /** Lets go of what the store holds, key material included. */
  close(): Awaitable<void>;
}
