import { InvalidInputError, parseKeyId } from '@keywrap/core';
import type { KeyRecord, KeyStore, StoreSource } from '@keywrap/provider-local/old-keys';
import { LocalKeyWrapProvider } from '@keywrap/provider-local/old-keys';
import { RegionKeys } from './keys/key-store.js';
import { RegionStore } from './keys/region-store.js';
import { toKmsKey } from './keys/stored-key.js';
import { KmsError } from './protocol/kms-error.js';

/** What each region has of its own: keys, and provider-local to use them. */
export interface Region {
  readonly keys: RegionKeys;
  readonly provider: LocalKeyWrapProvider;
}

/** Several times as many as AWS has: requests may name what they like, and each region stays in memory. */
export const MAXIMUM_REGIONS = 256;

/** What the regions have in common. */
export interface RegionsOptions extends StoreSource {
  readonly account: string;
  readonly now: () => Date;
}

/** The regions, each made when a request first asks for it. Their keys are in one store. */
export class Regions {
  readonly #options: RegionsOptions;
  readonly #store: KeyStore;
  readonly #regions = new Map<string, Region>();

  private constructor(options: RegionsOptions, store: KeyStore) {
    this.#options = options;
    this.#store = store;
  }

  /**
   * Opens the store, and looks at every key in it.
   *
   * @throws InvalidInputError when its keys are of another account or not of a KMS,
   * UnsupportedOperationError when another program or a newer release made them, and what the store throws.
   */
  static async open(options: RegionsOptions): Promise<Regions> {
    const regions = new Regions(options, await options.openStore());
    try {
      for (const record of await regions.#store.listKeys()) assertOurs(record, options.account);
    } catch (error) {
      await regions.close();
      throw error;
    }
    return regions;
  }

  /**
   * @param name For example `eu-west-1`; see {@link isRegionName}.
   * @throws KmsError `LimitExceededException`
   */
  get(name: string): Region {
    let region = this.#regions.get(name);
    if (region === undefined) {
      if (this.#regions.size >= MAXIMUM_REGIONS) {
        throw new KmsError(
          'LimitExceededException',
          `This server is in ${MAXIMUM_REGIONS} regions already; ${name} would be one more.`,
        );
      }
      const { account, now } = this.#options;
      const scope = { partition: partitionOf(name), region: name, account };
      const store = new RegionStore(this.#store, scope);
      const keys = new RegionKeys(store, scope, now);
      const provider = new LocalKeyWrapProvider({ ...scope, store, now });
      region = { keys, provider };
      this.#regions.set(name, region);
    }
    return region;
  }

  /** Closes the store, if it was opened here, which wipes all keys. */
  async close(): Promise<void> {
    for (const { provider } of this.#regions.values()) await provider.close();
    this.#regions.clear();
    if (this.#options.ownsStore) await this.#store.close();
  }
}

/** Refuses a key that no request could find. */
function assertOurs(record: KeyRecord, account: string): void {
  const name = parseName(record.id);
  if (name?.partition !== partitionOf(name?.region ?? '')) {
    throw new InvalidInputError(
      'store',
      `holds the key ${record.id}, which is not named as keywrap-kms names keys; use another store`,
    );
  }
  if (name.account !== account) {
    throw new InvalidInputError(
      'account',
      `is ${account}, and the store has keys of the account ${name.account}: start with that account, or with another store`,
    );
  }
  toKmsKey(record, name.id);
}

function parseName(arn: string) {
  try {
    const name = parseKeyId(arn);
    return name.kind === 'key-arn' && isRegionName(name.region) ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Whether this has the form of a region's name. */
export function isRegionName(name: string): boolean {
  return name.length <= 32 && /^[a-z]{2,}(-[a-z]+)*-\d+$/.test(name);
}

/** [Partitions](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html) */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('eusc-')) return 'aws-eusc';
  if (region.startsWith('eu-isoe-')) return 'aws-iso-e';
  if (region.startsWith('us-isof-')) return 'aws-iso-f';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('us-isob-')) return 'aws-iso-b';
  if (region.startsWith('us-iso-')) return 'aws-iso';
  return 'aws';
}
