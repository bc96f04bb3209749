import { KeyCipher, type StoreSource, selectEngine } from '@keywrap/provider-local/driver';
import { type KeyStore, Keys, PendingDeletions } from '@keywrap/provider-local/keys';
import { KeyPairs } from './key-pairs.js';
import { ImportTokens } from './keys/import-token.js';
import { openStore } from './open-store.js';
import { partitionOf } from './region-name.js';

/** A Region, for operations. All Regions share everything but the scope of the keys. */
export interface Region {
  readonly keys: Keys;
  readonly cipher: KeyCipher;
  readonly keyPairs: KeyPairs;
  readonly tokens: ImportTokens;
}

/** The parts that all Regions share. */
export interface RegionsOptions extends StoreSource {
  readonly account: string;
  readonly now: () => Date;
  /** Changes owner; by default a new one. */
  readonly importTokenKey: Uint8Array | undefined;
}

/** More than AWS has. */
const KEPT_REGIONS = 64;

/** The Regions of a server: one store and one cipher serve them all. */
export class Regions {
  readonly #options: RegionsOptions;
  readonly #store: KeyStore;
  readonly #shared: Omit<Region, 'keys'>;
  readonly #deletions = new PendingDeletions();
  readonly #regions = new Map<string, Region>();

  private constructor(options: RegionsOptions, store: KeyStore, cipher: KeyCipher) {
    this.#options = options;
    this.#store = store;
    const tokens = new ImportTokens(cipher.engine, options.importTokenKey);
    this.#shared = { cipher, keyPairs: new KeyPairs(cipher.engine), tokens };
  }

  /** Opens the store. @throws as {@link openStore}. */
  static async open(options: RegionsOptions): Promise<Regions> {
    const engine = await selectEngine('node');
    return new Regions(options, await openStore(options, options.account), new KeyCipher(engine));
  }

  /** Returns the Region of a name that was just used; undefined says nothing about the name. */
  peek(name: string): Region | undefined {
    return this.#regions.get(name);
  }

  /** @param name For example `eu-west-1`. */
  get(name: string): Region {
    let region = this.#regions.get(name);
    if (region === undefined) {
      const { account, now } = this.#options;
      const scope = { partition: partitionOf(name), region: name, account };
      const keys = new Keys(this.#store, scope, now, this.#deletions);
      region = { keys, ...this.#shared };
      // Requests may name any Region, and a dropped one is simply made again.
      if (this.#regions.size >= KEPT_REGIONS) this.#regions.clear();
      this.#regions.set(name, region);
    }
    return region;
  }

  /** As `KeyStore.lookOnce`, for all Regions. */
  lookOnce(): () => void {
    return this.#store.lookOnce();
  }

  /** Wipes loaded keys and the key of import tokens, and closes the store if it was opened here. */
  async close(): Promise<void> {
    this.#shared.tokens.close();
    this.#shared.cipher.close();
    if (this.#options.ownsStore) await this.#store.close();
  }
}
