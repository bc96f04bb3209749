import { randomUUID } from 'node:crypto';
import { KeyManagementServiceClient, type protos } from '@google-cloud/kms';
import { formatKeyArn } from '@keywrap/core';
import { GcpKeyWrapProvider, type GcpKeyWrapProviderOptions } from '@keywrap/provider-gcp';
import { clientOptionsOf } from '#dist/client.js';
import { readOptions } from '#dist/options.js';
import { type CloudKms, startCloudKms } from './cloud-kms.js';

const {
  KEYWRAP_TEST_GCP_ENDPOINT: ENDPOINT,
  KEYWRAP_TEST_GCP_KEY_RING: RING = 'projects/my-project/locations/europe-west1/keyRings/tests',
} = process.env;

/** The resource name of the ring of the tests. */
export const KEY_RING = RING;

const [, PROJECT = '', , LOCATION = '', , RING_ID = ''] = RING.split('/');

/** True for a service that the environment names. */
export const isReal = ENDPOINT !== undefined;

/** Where the keys of the tests are. */
export const PLACE = { project: PROJECT, location: LOCATION, keyRing: RING_ID };

type KeyTemplate = protos.google.cloud.kms.v1.ICryptoKey;

/** A service to test against: the one that the environment names, or the double. */
export interface TestServer {
  readonly endpoint: string;
  /** Undefined for a real service, which can't be told to fail. */
  readonly double: CloudKms | undefined;
  /** Google's client, which manages keys. */
  readonly admin: KeyManagementServiceClient;
  open(options?: Partial<GcpKeyWrapProviderOptions>): GcpKeyWrapProvider;
  /** Makes a key, and returns its resource name. */
  create(key?: KeyTemplate, isEmpty?: boolean): Promise<string>;
  /** Makes a new version of a key, the primary if it is symmetric. */
  rotate(resource: string): Promise<void>;
  /** Changes all versions of a key, or those of which a test says so. */
  change(
    resource: string,
    to: 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED',
    isChanged?: (version: string) => boolean,
  ): Promise<void>;
  close(): Promise<void>;
}

export async function startServer(): Promise<TestServer> {
  const double = ENDPOINT === undefined ? await startCloudKms() : undefined;
  const endpoint = ENDPOINT ?? `${double?.url}`;
  const admin = new KeyManagementServiceClient(
    await clientOptionsOf(readOptions({ ...PLACE, endpoint }).endpoint),
  );
  const parent = `projects/${PROJECT}/locations/${LOCATION}`;
  await admin.createKeyRing({ parent, keyRingId: RING_ID }).catch((error) => {
    // ALREADY_EXISTS
    if (error.code !== 6) throw error;
  });
  const made: string[] = [];

  /** Waits until the versions of a key are made: asymmetric ones take a while. */
  async function versionsOf(resource: string) {
    for (;;) {
      const [versions] = await admin.listCryptoKeyVersions({ parent: resource });
      if (versions.every(({ state }) => state !== 'PENDING_GENERATION')) return versions;
    }
  }

  const change: TestServer['change'] = async (resource, to, isChanged = () => true) => {
    for (const { name, state } of await versionsOf(resource)) {
      const version = `${name}`;
      if (`${state}`.startsWith('DESTROY') || !isChanged(version)) continue;
      if (to === 'DESTROY_SCHEDULED') await admin.destroyCryptoKeyVersion({ name: version });
      else {
        const cryptoKeyVersion = { name: version, state: to };
        await admin.updateCryptoKeyVersion({ cryptoKeyVersion, updateMask: { paths: ['state'] } });
      }
    }
  };

  return {
    endpoint,
    double,
    admin,
    open: (options) =>
      new GcpKeyWrapProvider({
        ...PLACE,
        endpoint,
        // An outage is the test's, and not to be waited for.
        clientRetries: false,
        ...options,
      }),
    async create(cryptoKey = { purpose: 'ENCRYPT_DECRYPT' }, isEmpty = false) {
      const [{ name }] = await admin.createCryptoKey({
        parent: RING,
        // A real service never forgets a key: its name says whose it is.
        cryptoKeyId: `keywrap-test-${randomUUID()}`,
        cryptoKey,
        skipInitialVersionCreation: isEmpty,
      });
      made.push(`${name}`);
      await versionsOf(`${name}`);
      return `${name}`;
    },
    async rotate(resource) {
      const [{ name }] = await admin.createCryptoKeyVersion({ parent: resource });
      await versionsOf(resource);
      const [{ purpose }] = await admin.getCryptoKey({ name: resource });
      if (purpose !== 'ENCRYPT_DECRYPT') return;
      const cryptoKeyVersionId = `${name}`.split('/').at(-1) as string;
      await admin.updateCryptoKeyPrimaryVersion({ name: resource, cryptoKeyVersionId });
    },
    change,
    async close() {
      if (isReal) for (const resource of made) await change(resource, 'DESTROY_SCHEDULED');
      await admin.close();
      await double?.close();
    },
  };
}

/** The ARN of a key of the ring. */
export function arnOf(resource: string): string {
  const key = resource.split('/').at(-1);
  const scope = { partition: 'gcp', region: LOCATION, account: PROJECT };
  return formatKeyArn(`${RING_ID}/${key}`, scope);
}

/** The resource name of a key of the ring. */
export function resourceIn(keyArn: string): string {
  return `${RING}/cryptoKeys/${keyArn.split('%2F').at(-1)}`;
}

/** A service for as long as a test runs. */
export async function withServer(test: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer();
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** A test of the double: a real service can't be told to fail, and does not count requests. */
export const itOnDouble: (title: string, test: () => unknown) => unknown = (title, test) =>
  // Outside of mocha, where the harness is used too, there is no `it`.
  (isReal ? it.skip : it)(title, test as () => Promise<void>);

/** The double, for as long as a test runs. */
export async function withDouble(
  test: (server: TestServer, double: CloudKms) => Promise<void>,
): Promise<void> {
  await withServer((server) => test(server, server.double as CloudKms));
}
