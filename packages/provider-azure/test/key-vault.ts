import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  type KeyPairKeyObjectResult,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { SELF_SIGNED } from './self-signed.js';

// A double of Azure Key Vault and Managed HSM, written from the public REST API documentation
// (https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups, version 7.6) and its models of errors, because no emulator
// can be had. It is what the official client, which is in front of it in every test, gets to see.

interface Version {
  readonly version: string;
  readonly created: number;
  readonly kty: string;
  readonly keyOps: string[];
  enabled: boolean;
  expires: number | undefined;
  readonly privateKey: KeyObject | undefined;
  readonly secret: Buffer | undefined;
  readonly jwk: object;
}

/** What a test makes the double do instead of answering. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

/** A vault on this machine. */
export interface KeyVault {
  readonly url: string;
  /** The method and path of every request that came with a token. */
  readonly requests: string[];
  fault: Fault | undefined;
  /** Paths that the caller is not allowed. */
  readonly denied: Set<string>;
  /** The token that it takes. */
  token: string;
  /** The resource that its challenge names. */
  resource: string;
  /** The lengths of the bodies of requests that came without a token. */
  readonly challenged: number[];
  /** Denies the caller to read a key. */
  forbidReading(name: string): void;
  close(): Promise<void>;
}

/** The token that it takes at first. */
export const TOKEN = 'a token of the directory';

/** The credential of the tests. */
export const CREDENTIAL = {
  getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 }),
};

/** Options of clients that reach it. An outage is the test's, and not to be waited for. */
export const CLIENT_OPTIONS = {
  retryOptions: { maxRetries: 0 },
  tlsOptions: { ca: SELF_SIGNED.cert },
  disableChallengeResourceVerification: true,
};

export async function startKeyVault(): Promise<KeyVault> {
  const keys = new Map<string, Version[]>();
  const deleted = new Set<string>();
  const unreadable = new Set<string>();
  let rsaPairs = 0;

  const server = createServer(SELF_SIGNED, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${vault.token}`) {
        // https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
        vault.challenged.push(Buffer.concat(chunks).length);
        const challenge = `authorization="https://login.example.com/tenant", resource="${vault.resource}"`;
        response.setHeader('WWW-Authenticate', `Bearer ${challenge}`);
        return send(response, 401, 'Unauthorized', 'AKV10000: Request is missing a Bearer token.');
      }
      const path = new URL(request.url ?? '', 'https://vault').pathname;
      vault.requests.push(`${request.method} ${path}`);
      if (vault.fault !== undefined) return vault.fault(request, response);
      const text = Buffer.concat(chunks).toString();
      const body = text === '' ? {} : JSON.parse(text);
      void answer(response, `${request.method}`, path, body);
    });
  });

  async function answer(
    response: ServerResponse,
    method: string,
    path: string,
    body: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const [, folder, name = '', version = '', operation] = path.split('/');
    if (name === '') return sendNames(response, folder === 'deletedkeys');
    if (folder === 'deletedkeys') return answerDeleted(response, method, name, version);
    const all = deleted.has(name) ? undefined : keys.get(name);
    if ([...vault.denied].some((each) => path.startsWith(each) || operation === each)) {
      return send(
        response,
        403,
        'Forbidden',
        'Caller is not authorized to perform action on resource.',
        'ForbiddenByRbac',
      );
    }
    if (version === 'create' && method === 'POST') return create(response, name, body);
    if (all === undefined) return notFound(response, name);
    if (method === 'DELETE') {
      deleted.add(name);
      return sendKey(response, name, latest(name), recoverable(name));
    }
    if (version === 'versions') {
      const value = all.map((each) => ({ kid: idOf(name, each), attributes: attributesOf(each) }));
      return void response
        .setHeader('Content-Type', 'application/json')
        .end(JSON.stringify({ value }));
    }
    const found =
      version === '' ? all.at(-1) : all.find((each) => each.version === version.toLowerCase());
    if (found === undefined) return notFound(response, `${name}/${version}`);
    if (method === 'PATCH') {
      const { attributes, key_ops } = body as unknown as Change;
      if (attributes?.enabled !== undefined) found.enabled = attributes.enabled;
      if (attributes?.exp !== undefined) found.expires = attributes.exp;
      if (key_ops !== undefined) found.keyOps.splice(0, found.keyOps.length, ...key_ops);
      return sendKey(response, name, found);
    }
    if (!found.enabled) {
      return send(
        response,
        403,
        'Forbidden',
        'Operation is not allowed on a disabled key.',
        'KeyDisabled',
      );
    }
    if (operation === undefined) {
      if (!unreadable.has(name)) return sendKey(response, name, found);
      return send(
        response,
        403,
        'Forbidden',
        'Caller is not authorized to perform action on resource.',
      );
    }
    const isAllowed = found.keyOps.includes(operation);
    if (!isAllowed)
      return send(
        response,
        403,
        'Forbidden',
        `Operation ${operation} is not permitted on this key.`,
      );
    try {
      const kid = idOf(name, found);
      const result = work(found, operation, body);
      return response
        .setHeader('Content-Type', 'application/json')
        .end(JSON.stringify({ kid, ...result }));
    } catch {
      return send(response, 400, 'BadParameter', 'The parameter is incorrect.');
    }
  }

  async function create(response: ServerResponse, name: string, body: object): Promise<unknown> {
    if (deleted.has(name)) {
      const text = `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused.`;
      return send(response, 409, 'Conflict', text, 'ObjectIsDeletedButRecoverable');
    }
    const {
      kty,
      key_ops,
      key_size = 2048,
    } = body as {
      readonly kty: string;
      readonly key_ops?: string[];
      readonly key_size?: number;
    };
    const versions = keys.get(name) ?? [];
    const pair = () => rsaPair(key_size, rsaPairs++);
    versions.push(await newVersion(kty, key_ops, pair, versions.length));
    keys.set(name, versions);
    return sendKey(response, name, latest(name));
  }

  function answerDeleted(
    response: ServerResponse,
    method: string,
    name: string,
    operation: string,
  ): unknown {
    if (!deleted.has(name)) return notFound(response, name);
    if (method === 'GET') return sendKey(response, name, latest(name), recoverable(name));
    deleted.delete(name);
    if (operation === 'recover') return sendKey(response, name, latest(name));
    keys.delete(name);
    return response.writeHead(204).end();
  }

  function sendNames(response: ServerResponse, isDeleted: boolean): void {
    const names = [...keys.keys()].filter((name) => deleted.has(name) === isDeleted);
    const value = names.map((name) => ({ kid: `${vault.url}/keys/${name}` }));
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ value }));
  }

  const recoverable = (name: string) => ({ recoveryId: `${vault.url}/deletedkeys/${name}` });

  function sendKey(response: ServerResponse, name: string, version: Version, more = {}): void {
    const { kty, keyOps, jwk } = version;
    const key = { kid: idOf(name, version), kty, key_ops: keyOps, ...jwk };
    const body = { key, attributes: attributesOf(version), ...more };
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  }

  const idOf = (name: string, { version }: Version) => `${vault.url}/keys/${name}/${version}`;
  const latest = (name: string) => keys.get(name)?.at(-1) as Version;

  // A client may take a connection that is about to be closed.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const vault: KeyVault = {
    url,
    requests: [],
    fault: undefined,
    denied: new Set(),
    token: TOKEN,
    resource: 'https://vault.azure.net',
    challenged: [],
    forbidReading: (name) => void unreadable.add(name),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return vault;
}

/** What a request to update a key changes. */
interface Change {
  readonly attributes?: { readonly enabled?: boolean; readonly exp?: number };
  readonly key_ops?: string[];
}

const RSA_PAIRS = new Map<string, Promise<KeyPairKeyObjectResult>>();

/** Vaults share their RSA keys, because making one takes a while; those of one vault differ. */
function rsaPair(bits: number, index: number): Promise<KeyPairKeyObjectResult> {
  const id = `${bits} ${index}`;
  const pair = RSA_PAIRS.get(id) ?? promisify(generateKeyPair)('rsa', { modulusLength: bits });
  RSA_PAIRS.set(id, pair);
  return pair;
}

async function newVersion(
  kty: string,
  keyOps: string[] | undefined,
  nextRsaPair: () => Promise<KeyPairKeyObjectResult>,
  index: number,
): Promise<Version> {
  const common = {
    version: randomBytes(16).toString('hex'),
    // Two versions of one second would have no order.
    created: 1_700_000_000 + index,
    kty,
    enabled: true,
    expires: undefined,
  };
  const encrypts = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'];
  if (kty.startsWith('oct')) {
    return {
      ...common,
      keyOps: keyOps ?? encrypts,
      privateKey: undefined,
      secret: randomBytes(32),
      jwk: {},
    };
  }
  const { publicKey, privateKey } = kty.startsWith('RSA')
    ? await nextRsaPair()
    : await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const { kty: _, ...jwk } = publicKey.export({ format: 'jwk' });
  return { ...common, keyOps: keyOps ?? encrypts, privateKey, secret: undefined, jwk };
}

function work(
  { privateKey, secret }: Version,
  operation: string,
  body: Readonly<Record<string, string>>,
): object {
  const bytes = (field: string) => Buffer.from(body[field] ?? '', 'base64url');
  if (secret !== undefined && body.alg === 'A256GCM') {
    if (operation === 'encrypt') {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(bytes('aad'));
      const value = Buffer.concat([cipher.update(bytes('value')), cipher.final()]);
      const tag = cipher.getAuthTag();
      return {
        value: value.toString('base64url'),
        iv: iv.toString('base64url'),
        tag: tag.toString('base64url'),
      };
    }
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes('iv'), { authTagLength: 16 });
    decipher.setAAD(bytes('aad')).setAuthTag(bytes('tag'));
    const value = Buffer.concat([decipher.update(bytes('value')), decipher.final()]);
    return { value: value.toString('base64url') };
  }
  const hash = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' }[body.alg ?? ''];
  if (privateKey === undefined || hash === undefined) throw new Error('no');
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  if (operation === 'encrypt') {
    const key = createPublicKey(privateKey);
    const sealed = publicEncrypt({ key, padding, oaepHash: hash }, bytes('value'));
    return { value: sealed.toString('base64url') };
  }
  const value = privateDecrypt({ key: privateKey, padding, oaepHash: hash }, bytes('value'));
  return { value: value.toString('base64url') };
}

function attributesOf({ enabled, created, expires }: Version): object {
  return { enabled, created, updated: created, recoveryLevel: 'Recoverable', exp: expires };
}

function notFound(response: ServerResponse, what: string): void {
  send(
    response,
    404,
    'KeyNotFound',
    `A key with (name/id) ${what} was not found in this key vault.`,
  );
}

function send(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  inner?: string,
): void {
  const error = { code, message, ...(inner !== undefined && { innererror: { code: inner } }) };
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error }));
}
