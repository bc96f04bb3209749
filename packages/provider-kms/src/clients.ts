import type { KMSClient } from '@aws-sdk/client-kms';
import type { ClientConfig } from './options.js';

/** The module of the AWS SDK. */
export type Sdk = typeof import('@aws-sdk/client-kms');

/** The SDK, and its client for one region. */
export interface Connection {
  readonly sdk: Sdk;
  readonly client: KMSClient;
}

/**
 * One client for each region, made when it is first needed; or the one that the caller passed. The AWS
 * SDK is loaded with the first: a program that never calls KMS does not wait for it, and this package can
 * be required from CommonJS.
 */
export class KmsClients {
  readonly #config: ClientConfig;
  readonly #passed: KMSClient | undefined;
  readonly #owned = new Map<string, KMSClient>();
  /** Kept as they are awaited: asking for a module that is loaded takes longer than all else here. */
  readonly #connections = new Map<string | undefined, Promise<Connection>>();

  /** @param passed Used for every region, and never destroyed here. */
  constructor(config: ClientConfig, passed: KMSClient | undefined) {
    this.#config = config;
    this.#passed = passed;
  }

  /**
   * Rejects when the SDK finds no region, or can't be loaded; the next call tries again.
   *
   * @param region By default that of the options, or else the one that the SDK finds.
   */
  for(region: string | undefined = this.#config.region): Promise<Connection> {
    let connection = this.#connections.get(region);
    if (connection === undefined) {
      connection = this.#connect(region);
      connection.catch(() => this.#connections.delete(region));
      this.#connections.set(region, connection);
    }
    return connection;
  }

  /** Closes the connections of the clients that were made here. */
  destroy(): void {
    for (const client of this.#owned.values()) client.destroy();
    this.#owned.clear();
    this.#connections.clear();
  }

  async #connect(region: string | undefined): Promise<Connection> {
    const sdk = await import('@aws-sdk/client-kms');
    if (this.#passed !== undefined) return { sdk, client: this.#passed };
    const existing = region === undefined ? undefined : this.#owned.get(region);
    if (existing !== undefined) return { sdk, client: existing };
    const client = new sdk.KMSClient(
      region === undefined ? this.#config : { ...this.#config, region },
    );
    // Where the SDK looks for a region only a client of it can tell.
    return { sdk, client: this.#own(region ?? (await client.config.region()), client) };
  }

  /** Keeps a client, unless there is one for its region already. */
  #own(region: string, client: KMSClient): KMSClient {
    const existing = this.#owned.get(region);
    if (existing === undefined) {
      this.#owned.set(region, client);
      return client;
    }
    client.destroy();
    return existing;
  }
}
