import type { KMSClient } from '@aws-sdk/client-kms';
import { InternalError, loadPeer, registerErrorClass } from '@keywrap/core';
import { assertConfiguredEndpoint } from './endpoint.js';
import type { ClientConfig } from './options.js';

/** The module of the AWS SDK. */
export type Sdk = typeof import('@aws-sdk/client-kms');

/** The SDK, and its client for one region. */
export interface Connection {
  readonly sdk: Sdk;
  readonly client: KMSClient;
  /** The names under which the client is kept: a region, and undefined for the SDK's default. */
  readonly names: Set<string | undefined>;
  /** The calls in progress. */
  calls: number;
}

/**
 * Reports that the AWS SDK is not installed, failed while it was loaded, or lacks something: install
 * `@aws-sdk/client-kms` in the version that this package depends on. A retry does not help.
 */
export class SdkNotLoadedError extends InternalError {}
registerErrorClass(SdkNotLoadedError, 'SdkNotLoadedError');

/** More than AWS has regions. Without a limit, ARNs of invented regions would take all memory. */
const MAXIMUM_CLIENTS = 50;

/**
 * Keeps one client per region, made when it is first needed, or uses the caller's client. The AWS SDK is
 * loaded with the first client: a program that never calls KMS does not wait for it, and CommonJS can require
 * this package.
 */
export class KmsClients {
  readonly #config: ClientConfig;
  readonly #passed: KMSClient | undefined;
  /** By region, that of the last call at the end. */
  readonly #owned = new Map<string, Connection>();
  /** Keeps promises: `import()` of a loaded module takes longer than everything else here. */
  readonly #connections = new Map<string | undefined, Promise<Connection>>();
  readonly #load: () => Promise<Sdk>;

  /**
   * @param passed Used for every region, and never destroyed here.
   * @param load Loads the SDK.
   */
  constructor(
    config: ClientConfig,
    passed: KMSClient | undefined,
    load: (() => Promise<Sdk>) | undefined,
  ) {
    this.#config = config;
    this.#passed = passed;
    this.#load = load ?? (() => import('@aws-sdk/client-kms'));
  }

  /**
   * Calls a function with the client of a region, which is destroyed no earlier than the function has ended. Rejects when
   * the SDK finds no region, or can't be loaded; the next call tries again.
   *
   * @param region By default the region of the options, or else the SDK's.
   */
  async use<Result>(
    region: string | undefined,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    const name = region ?? this.#config.region;
    const connection = await this.#connectionOf(name);
    connection.calls++;
    this.#keep(name, connection);
    try {
      return await work(connection);
    } finally {
      connection.calls--;
      this.#destroyUnused(connection);
    }
  }

  /** Closes the connections of the clients that this class made. */
  destroy(): void {
    for (const connection of this.#owned.values()) connection.client.destroy();
    this.#owned.clear();
    this.#connections.clear();
  }

  #connectionOf(name: string | undefined): Promise<Connection> {
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = this.#connect(name);
      connection.catch(() => this.#connections.delete(name));
      this.#connections.set(name, connection);
    }
    return connection;
  }

  async #connect(name: string | undefined): Promise<Connection> {
    const sdk = await this.#loadSdk();
    if (this.#passed !== undefined) return connectionTo(sdk, this.#passed);
    const existing = name === undefined ? undefined : this.#owned.get(name);
    if (existing !== undefined) return existing;
    assertConfiguredEndpoint(this.#config.endpoint);
    const client = new sdk.KMSClient(
      name === undefined ? this.#config : { ...this.#config, region: name },
    );
    // Only a client of the SDK can find the SDK's default region.
    const region = name ?? (await client.config.region());
    const first = this.#owned.get(region);
    if (first === undefined) {
      const connection = connectionTo(sdk, client);
      connection.names.add(region);
      this.#owned.set(region, connection);
      return connection;
    }
    client.destroy();
    return first;
  }

  async #loadSdk(): Promise<Sdk> {
    const sdk = await loadPeer(
      '@aws-sdk/client-kms',
      this.#load,
      undefined,
      'bundle it with --main-fields=module,main, or as CommonJS',
    ).catch(({ message, cause }: Error) => {
      throw new SdkNotLoadedError(message, { cause });
    });
    if (typeof sdk.KMSClient === 'function') return sdk;
    throw new SdkNotLoadedError('@aws-sdk/client-kms has no KMSClient: install it again');
  }

  /** Marks a client as the one that was used last, and drops the one that was not used for longest if there are too many. */
  #keep(name: string | undefined, connection: Connection): void {
    const [region] = connection.names;
    if (region === undefined) return;
    connection.names.add(name);
    this.#owned.delete(region);
    this.#owned.set(region, connection);
    if (this.#owned.size <= MAXIMUM_CLIENTS) return;
    const [[oldest, dropped] = []] = this.#owned;
    if (oldest === undefined || dropped === undefined) return;
    this.#owned.delete(oldest);
    for (const each of dropped.names) this.#connections.delete(each);
    this.#destroyUnused(dropped);
  }

  /** Destroys a client that is kept no longer, once no call uses it. */
  #destroyUnused(connection: Connection): void {
    const [region] = connection.names;
    const isKept = region === undefined || this.#owned.get(region) === connection;
    if (!isKept && connection.calls === 0) connection.client.destroy();
  }
}

function connectionTo(sdk: Sdk, client: KMSClient): Connection {
  return { sdk, client, names: new Set(), calls: 0 };
}
