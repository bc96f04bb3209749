import { KeyCipher, type StoreSource, selectEngine } from '@keywrap/provider-local/driver';
import { Keys, type KeyStore } from '@keywrap/provider-local/keys';
import { ImportTokens } from './keys/import-token.js';
import { openStore } from './open-store.js';
import { partitionOf } from './region-name.js';

/** What the operations of a Region work with. Only the scope of its keys is its own. */
export interface Region {
  readonly keys: Keys;
  readonly cipher: KeyCipher;
  readonly tokens: ImportTokens;
}

/** What the Regions have in common. */
export interface RegionsOptions extends StoreSource {
  readonly account: string;
  readonly now: () => Date;
}

/** More than AWS has. */
const KEPT_REGIONS = 64;

/** The Regions of a server: one store and one cipher serve them all. */
export class Regions {
  readonly #options: RegionsOptions;
  readonly #store: KeyStore;
  readonly #cipher: KeyCipher;
  readonly #tokens = new ImportTokens();
  readonly #regions = new Map<string, Region>();

  private constructor(options: RegionsOptions, store: KeyStore, cipher: KeyCipher) {
    this.#options = options;
    this.#store = store;
    this.#cipher = cipher;
  }

  /** Opens the store. @throws what {@link openStore} throws. */
  static async open(options: RegionsOptions): Promise<Regions> {
    const engine = await selectEngine('node');
    return new Regions(options, await openStore(options, options.account), new KeyCipher(engine));
  }

  /** @param name For example `eu-west-1`. */
  get(name: string): Region {
    let region = this.#regions.get(name);
    if (region === undefined) {
      const { account, now } = this.#options;
      const scope = { partition: partitionOf(name), region: name, account };
      const keys = new Keys(this.#store, scope, now);
      region = { keys, cipher: this.#cipher, tokens: this.#tokens };
      // Requests may name what they like. A Region holds nothing that making it again would lose.
      if (this.#regions.size >= KEPT_REGIONS) this.#regions.clear();
      this.#regions.set(name, region);
    }
    return region;
  }

  /** Wipes what was loaded, and closes the store if it was opened here. No import token opens any more. */
  async close(): Promise<void> {
    this.#tokens.close();
    this.#cipher.close();
    if (this.#options.ownsStore) await this.#store.close();
  }
}
