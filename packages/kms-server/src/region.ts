import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { RegionKeys } from './keys/key-store.js';
import { KmsError } from './protocol/kms-error.js';

/** What each region has of its own: keys, and provider-local to use them. */
export interface Region {
  readonly keys: RegionKeys;
  readonly provider: LocalKeyWrapProvider;
}

/** Several times as many as AWS has: requests may name what they like, and each region stays in memory. */
export const MAXIMUM_REGIONS = 256;

/** The regions, each made when a request first asks for it. */
export class Regions {
  readonly #account: string;
  readonly #now: () => Date;
  readonly #regions = new Map<string, Region>();

  constructor({ account, now }: { readonly account: string; readonly now: () => Date }) {
    this.#account = account;
    this.#now = now;
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
      const scope = { partition: partitionOf(name), region: name, account: this.#account };
      const keys = new RegionKeys(scope, this.#now);
      const provider = new LocalKeyWrapProvider({ ...scope, store: keys.store, now: this.#now });
      region = { keys, provider };
      this.#regions.set(name, region);
    }
    return region;
  }

  /** Wipes all keys. */
  async close(): Promise<void> {
    for (const { keys, provider } of this.#regions.values()) {
      await provider.close();
      keys.store.close();
    }
    this.#regions.clear();
  }
}

/** Whether this has the form of a region's name. */
export function isRegionName(name: string): boolean {
  return name.length <= 32 && /^[a-z]{2,}(-[a-z]+)*-\d+$/.test(name);
}

/** [Partitions](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html) */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('us-isob-')) return 'aws-iso-b';
  if (region.startsWith('us-iso-')) return 'aws-iso';
  return 'aws';
}
