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
 * Keeps one client per region, made when it is first needed, or uses the caller's client. The AWS SDK is
 * loaded with the first client: a program that never calls KMS does not wait for it, and CommonJS can require
 * this package.
 */
export class KmsClients {
  readonly #config: ClientConfig;
  readonly #passed: KMSClient | undefined;
  readonly #owned = new Map<string, KMSClient>();
  /** Keeps promises: `import()` of a loaded module takes longer than everything else here. */
  readonly #connections = new Map<string | undefined, Promise<Connection>>();

  /** @param passed Used for every region, and never destroyed here. */
  constructor(config: ClientConfig, passed: KMSClient | undefined) {
    this.#config = config;
    this.#passed = passed;
  }

  /**
   * Returns the client of a region. Rejects when the SDK finds no region, or can't be loaded; the next call
   * tries again.
   *
   * @param region By default the region of the options, or else the SDK's.
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

  /** Closes the connections of the clients that this class made. */
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
    // Only a client of the SDK can find the SDK's default region.
    return { sdk, client: this.#own(region ?? (await client.config.region()), client) };
  }

  /** Keeps a client, unless its region has one already. */
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
