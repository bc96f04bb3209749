import { createRequire } from 'node:module';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { CloudKmsError, code, denied, invalid, notFound } from './cloud-kms-errors.js';
import {
  asymmetricDecrypt,
  crcOf,
  decrypt,
  encrypt,
  type KeyVersion,
  newVersion,
  pemOf,
} from './cloud-kms-versions.js';

// A double of Google Cloud KMS, because no emulator can be had. It speaks gRPC by the messages of Google's own client, and
// is written from the public reference (https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1) and from
// Google's own fake and its contract tests (https://github.com/GoogleCloudPlatform/kms-integrations, fakekms), which have
// no symmetric encryption. It is what the official client, which is in front of it in every test, gets to see.

/** A request or a response: a plain message. */
// biome-ignore lint/suspicious/noExplicitAny: the messages have no types but those of the client
export type Message = any;

/** What a test makes the double do instead of answering; undefined for the usual answer. */
export type Fault = (
  method: string,
  request: Message,
  response: Message,
) => Error | Message | undefined;

/** A service on this machine. */
export interface CloudKms {
  /** The URL of the option `endpoint`. */
  readonly url: string;
  /** The method of every request. */
  readonly requests: string[];
  /** Replaces the answer of a request by an error, or by another response. */
  fault: Fault | undefined;
  /** Never answers, as long as it is true. */
  stalls: boolean;
  /** Called when a request has come. */
  onRequest: (() => void) | undefined;
  /** Called when a client cancels a request that is not answered. */
  onCancelled: (() => void) | undefined;
  /** Takes rights to a key from the caller. */
  deny(key: string, right: 'use' | 'describe'): void;
  /** Deletes a key, at once. */
  remove(key: string): void;
  /** Ends the days in which a version that is scheduled for destruction can be restored. */
  destroy(version: string): void;
  close(): Promise<void>;
}

interface CryptoKey {
  readonly pb: Message;
  readonly versions: KeyVersion[];
  primary: KeyVersion | undefined;
}

const READING = ['GetCryptoKey', 'ListCryptoKeyVersions', 'GetPublicKey'];

const require = createRequire(import.meta.url);
const PROTOS = require('@google-cloud/kms/build/protos/protos.json') as object;
const DEFINITION = fromJSON(PROTOS as never, { longs: String, enums: String, bytes: Buffer });
const { service: SERVICE } = (loadPackageDefinition(DEFINITION) as Message).google.cloud.kms.v1
  .KeyManagementService as { readonly service: ServiceDefinition };

/** @param credentials Those of a server with TLS; by default it has none. */
export async function startCloudKms(
  credentials = ServerCredentials.createInsecure(),
): Promise<CloudKms> {
  const keys = new Map<string, CryptoKey>();
  const deniedRights = new Set<string>();
  let made = 0;

  function keyOf(name: string, method: string): CryptoKey {
    const key = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+/.exec(
      name,
    )?.[0];
    if (key === undefined) throw invalid(`Resource name [${name}] is invalid.`);
    const isReading = READING.includes(method);
    const isDenied =
      deniedRights.has(`${key} use`) || (isReading && deniedRights.has(`${key} describe`));
    if (isDenied) throw denied(method, key);
    const found = keys.get(key);
    if (found === undefined) throw notFound(`CryptoKey ${key} not found.`);
    return found;
  }

  function versionOf(name: string, method: string): KeyVersion {
    const found = keyOf(name, method).versions.find(({ pb }) => pb.name === name);
    if (found === undefined) throw notFound(`CryptoKeyVersion ${name} not found.`);
    return found;
  }

  const pbOf = ({ pb, primary }: CryptoKey) => ({ ...pb, primary: primary?.pb });

  const methods: Readonly<Record<string, (request: Message) => Message>> = {
    CreateKeyRing: ({ parent, keyRingId }) => ({ name: `${parent}/keyRings/${keyRingId}` }),
    async CreateCryptoKey({ parent, cryptoKeyId, cryptoKey, skipInitialVersionCreation }) {
      const name = `${parent}/cryptoKeys/${cryptoKeyId}`;
      if (keys.has(name)) throw new CloudKmsError(code.ALREADY_EXISTS, `${name} already exists.`);
      const { purpose, importOnly, versionTemplate } = cryptoKey;
      const template = {
        algorithm: versionTemplate?.algorithm ?? 'GOOGLE_SYMMETRIC_ENCRYPTION',
        protectionLevel: versionTemplate?.protectionLevel ?? 'SOFTWARE',
      };
      const pb = { name, purpose, importOnly, versionTemplate: template, createTime: now() };
      const key: CryptoKey = { pb, versions: [], primary: undefined };
      if (!skipInitialVersionCreation) {
        key.versions.push(await newVersion(name, 1, template, made++));
      }
      if (purpose === 'ENCRYPT_DECRYPT') key.primary = key.versions[0];
      keys.set(name, key);
      return pbOf(key);
    },
    GetCryptoKey: ({ name }) => pbOf(keyOf(name, 'GetCryptoKey')),
    ListCryptoKeys: () => ({ cryptoKeys: [...keys.values()].map(pbOf) }),
    ListCryptoKeyVersions({ parent, pageSize, pageToken }) {
      const { versions } = keyOf(parent, 'ListCryptoKeyVersions');
      const all = versions.map(({ pb }) => ({ ...pb }));
      // They were still being made.
      for (const { pb } of versions) if (pb.state === 'PENDING_GENERATION') pb.state = 'ENABLED';
      const start = Number(pageToken || 0);
      // A server may return fewer than it is asked for.
      const end = start + Math.min(pageSize || 100, 2);
      const nextPageToken = end < all.length ? `${end}` : '';
      return {
        cryptoKeyVersions: all.slice(start, end),
        nextPageToken,
        totalSize: all.length,
      };
    },
    async CreateCryptoKeyVersion({ parent }) {
      const key = keyOf(parent, 'CreateCryptoKeyVersion');
      const { versionTemplate } = key.pb;
      const version = await newVersion(parent, key.versions.length + 1, versionTemplate, made++);
      key.versions.push(version);
      return version.pb;
    },
    UpdateCryptoKeyVersion({ cryptoKeyVersion: { name, state } }) {
      const version = versionOf(name, 'UpdateCryptoKeyVersion');
      if (!['ENABLED', 'DISABLED'].includes(version.pb.state)) {
        throw new CloudKmsError(code.FAILED_PRECONDITION, `${name} can't be updated.`);
      }
      version.pb.state = state;
      return version.pb;
    },
    UpdateCryptoKeyPrimaryVersion({ name, cryptoKeyVersionId }) {
      const key = keyOf(name, 'UpdateCryptoKeyPrimaryVersion');
      const versionName = `${name}/cryptoKeyVersions/${cryptoKeyVersionId}`;
      key.primary = versionOf(versionName, 'UpdateCryptoKeyPrimaryVersion');
      return pbOf(key);
    },
    UpdateCryptoKey({ cryptoKey: { name, versionTemplate } }) {
      const key = keyOf(name, 'UpdateCryptoKey');
      Object.assign(key.pb.versionTemplate, versionTemplate);
      return pbOf(key);
    },
    DestroyCryptoKeyVersion({ name }) {
      const { pb } = versionOf(name, 'DestroyCryptoKeyVersion');
      if (!['ENABLED', 'DISABLED'].includes(pb.state)) {
        throw new CloudKmsError(code.FAILED_PRECONDITION, `${name} can't be destroyed.`);
      }
      pb.state = 'DESTROY_SCHEDULED';
      pb.destroyTime = now(30 * 24 * 3600);
      return pb;
    },
    GetPublicKey({ name }) {
      const version = usable(versionOf(name, 'GetPublicKey'), ['ASYMMETRIC']);
      const pem = pemOf(version);
      const { algorithm, protectionLevel } = version.pb;
      return { name, pem, pemCrc32c: crcOf(Buffer.from(pem)), algorithm, protectionLevel };
    },
    Encrypt(request) {
      const { name } = request;
      const key = keyOf(name, 'Encrypt');
      const version = name.includes('/cryptoKeyVersions/')
        ? versionOf(name, 'Encrypt')
        : key.primary;
      if (key.pb.purpose !== 'ENCRYPT_DECRYPT' || version === undefined) {
        throw wrongPurpose(key.pb.name, 'ENCRYPT_DECRYPT');
      }
      return encrypt(usable(version, ['SYMMETRIC']), request);
    },
    Decrypt(request) {
      const key = keyOf(request.name, 'Decrypt');
      if (key.pb.purpose !== 'ENCRYPT_DECRYPT') throw wrongPurpose(key.pb.name, 'ENCRYPT_DECRYPT');
      return decrypt(key.versions, key.primary, request, (version) =>
        usable(version, ['SYMMETRIC']),
      );
    },
    AsymmetricDecrypt: (request) =>
      asymmetricDecrypt(
        usable(versionOf(request.name, 'AsymmetricDecrypt'), ['ASYMMETRIC_DECRYPT']),
        request,
      ),
  };

  const implementation: UntypedServiceImplementation = Object.fromEntries(
    Object.entries(methods).map(([method, work]) => [
      method,
      async (call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) => {
        const { request } = call;
        kms.requests.push(method);
        kms.onRequest?.();
        if (kms.stalls) return void call.once('cancelled', () => kms.onCancelled?.());
        try {
          const early = kms.fault?.(method, request, undefined);
          if (early instanceof Error) throw early;
          const response = await work(request);
          const late = kms.fault?.(method, request, response);
          if (late instanceof Error) throw late;
          callback(null, late ?? response);
        } catch (error) {
          callback(error as Error);
        }
      },
    ]),
  );

  const server = new Server();
  server.addService(SERVICE, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const kms: CloudKms = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    fault: undefined,
    stalls: false,
    onRequest: undefined,
    onCancelled: undefined,
    deny: (key, right) => void deniedRights.add(`${key} ${right}`),
    remove: (key) => void keys.delete(key),
    destroy(version) {
      versionOf(version, 'DestroyCryptoKeyVersion').pb.state = 'DESTROYED';
    },
    close: async () => server.forceShutdown(),
  };
  return kms;
}

function usable(version: KeyVersion, kinds: readonly string[]): KeyVersion {
  const { name, state } = version.pb;
  if (!kinds.some((kind) => version.kind.startsWith(kind))) throw wrongPurpose(name, kinds[0]);
  // The text of the service: https://github.com/sethvargo/vault-on-gke/issues/56.
  if (state === 'ENABLED') return version;
  throw new CloudKmsError(
    code.FAILED_PRECONDITION,
    `${name} is not enabled, current state is: ${state}.`,
  );
}

function wrongPurpose(name: string, purpose: string | undefined): CloudKmsError {
  return new CloudKmsError(code.FAILED_PRECONDITION, `${name} is not for ${purpose}.`);
}

function now(later = 0): { seconds: number; nanos: number } {
  return { seconds: Math.floor(Date.now() / 1000) + later, nanos: 0 };
}
