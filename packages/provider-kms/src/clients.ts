import type { KMSClient } from '@aws-sdk/client-kms';
import type { ClientConfig } from './options.js';

/**
 * Loads the AWS SDK, once, when it is first needed: a program that never calls KMS does not wait for
 * it, and this package can be required from CommonJS.
 */
export function loadSdk(): Promise<Sdk> {
  // Kept, because asking for a module that is loaded takes longer than anything else here.
  loading ??= import('@aws-sdk/client-kms');
  return loading;
}

type Sdk = typeof import('@aws-sdk/client-kms');
let loading: Promise<Sdk> | undefined;

/** One client for each region, made when it is first needed; or the one that the caller passed. */
export class KmsClients {
  readonly #config: ClientConfig;
  readonly #passed: KMSClient | undefined;
  readonly #owned = new Map<string, KMSClient>();
  #default: Promise<KMSClient> | undefined;

  /** @param passed Used for every region, and never destroyed here. */
  constructor(config: ClientConfig, passed: KMSClient | undefined) {
    this.#config = config;
    this.#passed = passed;
  }

  /** @param region By default that of the options, or else the one that the SDK finds. */
  async for(region: string | undefined = this.#config.region): Promise<KMSClient> {
    if (this.#passed !== undefined) return this.#passed;
    if (region !== undefined) return this.#forRegion(region);
    this.#default ??= this.#forDefaultRegion();
    try {
      return await this.#default;
    } catch (error) {
      this.#default = undefined;
      throw error;
    }
  }

  /** Closes the connections of the clients that were made here. */
  destroy(): void {
    for (const client of this.#owned.values()) client.destroy();
    this.#owned.clear();
  }

  async #forRegion(region: string): Promise<KMSClient> {
    const { KMSClient } = await loadSdk();
    const client = this.#owned.get(region) ?? new KMSClient({ ...this.#config, region });
    this.#owned.set(region, client);
    return client;
  }

  /** Where the SDK looks for a region only a client of it can tell. */
  async #forDefaultRegion(): Promise<KMSClient> {
    const { KMSClient } = await loadSdk();
    const client = new KMSClient(this.#config);
    const region = await client.config.region();
    const existing = this.#owned.get(region);
    if (existing !== undefined) {
      client.destroy();
      return existing;
    }
    this.#owned.set(region, client);
    return client;
  }
}
