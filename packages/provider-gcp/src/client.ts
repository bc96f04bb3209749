import type { KeyManagementServiceClient } from '@google-cloud/kms';
import { credentialErrorOf, KeyWrapError, loadPeer, within } from '@keywrap/core';
import { kmsErrorOf } from './errors.js';
import type { ClientOptions, ReadOptions } from './options.js';

const PACKAGE = '@google-cloud/kms';

const NO_CREDENTIALS =
  'loading credentials, by GOOGLE_APPLICATION_CREDENTIALS or clientOptions, failed';

/** Google's client would take responses of any length. */
const BOUNDED = { 'grpc.max_receive_message_length': 4 * 2 ** 20 };

/** Loads `@google-cloud/kms` with the first call, and makes its client. */
export class LazyClient {
  readonly #options: ReadOptions;
  #client: Promise<KeyManagementServiceClient> | undefined;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  get(): Promise<KeyManagementServiceClient> {
    this.#client ??= this.#load().catch((error) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  /** Closes the client's connections, if there are any. */
  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  async #load(): Promise<KeyManagementServiceClient> {
    const { endpoint, requestTimeout, clientOptions } = this.#options;
    const { KeyManagementServiceClient } = await loadPeer(
      PACKAGE,
      () => import('@google-cloud/kms'),
    );
    const client = new KeyManagementServiceClient({
      ...BOUNDED,
      ...(await clientOptionsOf(endpoint)),
      ...clientOptions,
    });
    try {
      await within(requestTimeout, 'the credentials were not loaded', () => client.initialize());
    } catch (error) {
      // It waits for what hangs.
      void client.close().catch(() => {});
      if (error instanceof KeyWrapError) throw error;
      // The cause is not attached: the error of a malformed key file may quote it.
      throw credentialErrorOf(error, NO_CREDENTIALS, kmsErrorOf(error));
    }
    return client;
  }
}

/** An emulator speaks gRPC without TLS, and knows no credentials: the client must not search for any. */
export async function clientOptionsOf(endpoint: URL | undefined): Promise<ClientOptions> {
  if (endpoint === undefined) return {};
  const isTls = endpoint.protocol === 'https:';
  const where = {
    apiEndpoint: endpoint.hostname,
    port: endpoint.port === '' ? (isTls ? 443 : 80) : Number(endpoint.port),
  };
  if (isTls) return where;
  const { insecureChannel } = await import('./insecure-channel.js');
  return { ...where, sslCreds: insecureChannel(PACKAGE), authClient: NOBODY };
}

const NOBODY = {
  universeDomain: 'googleapis.com',
  getRequestHeaders: async () => new Headers(),
} as unknown as NonNullable<ClientOptions['authClient']>;
