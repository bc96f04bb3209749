import {
  type AliasLookup,
  InvalidInputError,
  readAliases,
  readBackendUrl,
  readDelay,
  readFields,
  readSafely,
} from '@keywrap/core';

/** An [AppRole](https://openbao.org/docs/auth/approle/) to log in with. */
export interface AppRole {
  readonly roleId: string;
  readonly secretId: string;
  /** Where the auth method is mounted. By default `approle`. */
  readonly mount?: string | undefined;
}

/** A role of the [Kubernetes auth method](https://openbao.org/docs/auth/kubernetes/) to log in with. */
export interface KubernetesRole {
  readonly role: string;
  /** The file of the service account's token, read at each login. By default the one that Kubernetes mounts. */
  readonly tokenFile?: string | undefined;
  /** Where the auth method is mounted. By default `kubernetes`. */
  readonly mount?: string | undefined;
}

/** Options of {@link VaultKeyWrapProvider}. At most one of `token`, `appRole` and `kubernetes` may be given. */
export interface VaultKeyWrapProviderOptions {
  /**
   * The URL of the server. By default `BAO_ADDR` or `VAULT_ADDR` of the environment. `http:` is accepted for this
   * machine only (`localhost`, `127.0.0.1`, `[::1]`), because requests contain plaintexts and the token.
   */
  readonly address?: string | undefined;
  /** Where the transit engine is mounted. By default `transit`. */
  readonly mount?: string | undefined;
  /** The namespace of the engine, for example `team/orders`. By default `BAO_NAMESPACE` or `VAULT_NAMESPACE`, or the root. */
  readonly namespace?: string | undefined;
  /** A token, or a function that returns one within `requestTimeout`. By default `BAO_TOKEN` or `VAULT_TOKEN` of the environment. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  readonly appRole?: AppRole | undefined;
  readonly kubernetes?: KubernetesRole | undefined;
  /**
   * The name of the key that an alias stands for: `{ 'alias/orders': 'orders-2026' }`, or a function that returns it.
   * By default there are no aliases.
   */
  readonly aliases?:
    | Readonly<Record<string, string>>
    | ((alias: string) => string | undefined)
    | undefined;
  /** The time limit of a request in milliseconds. By default 30,000. */
  readonly requestTimeout?: number | undefined;
  /** Sends requests, for example with a certificate authority or proxy of your own. By default the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** How to get a token. */
export type Credentials =
  | { readonly kind: 'token'; readonly token: () => unknown }
  | {
      readonly kind: 'approle';
      readonly mount: string;
      readonly roleId: string;
      readonly secretId: string;
    }
  | {
      readonly kind: 'kubernetes';
      readonly mount: string;
      readonly role: string;
      readonly tokenFile: string;
    };

/** The options, checked and complete. */
export interface ReadOptions {
  /** Without a slash at its end. */
  readonly address: string;
  readonly mount: string;
  /** Empty for the root namespace. */
  readonly namespace: string;
  readonly credentials: Credentials;
  readonly aliases: AliasLookup;
  readonly requestTimeout: number;
  readonly fetch: typeof fetch;
}

const NAMES = [
  'address',
  'mount',
  'namespace',
  'token',
  'appRole',
  'kubernetes',
  'aliases',
  'requestTimeout',
  'fetch',
] as const satisfies readonly (keyof VaultKeyWrapProviderOptions)[];

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A path of the API: segments of letters, digits, `_`, `.` and `-`, none of which URLs resolve. */
const PATH = /^(?!\.{1,2}(?:\/|$))[\w.-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.-]+)*$/;

/** The names that transit accepts for keys; a name of another form can't exist. */
const KEY_NAME = /^\w(?:[\w.-]*\w)?$/;

/** Returns true for the name of a key that can exist. */
export function isKeyName(name: string): boolean {
  return KEY_NAME.test(name);
}

/**
 * Parses the options, from plain JavaScript too, and completes them from the environment.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or missing.
 */
export function readOptions(options: unknown, environment = process.env): ReadOptions {
  return readSafely(undefined, 'options', () => readAll(options, environment));
}

function readAll(options: unknown, environment: NodeJS.ProcessEnv): ReadOptions {
  const given = readFields(options, 'options', NAMES);
  const { requestTimeout = 30_000, fetch: send = fetch } = given;
  if (typeof send !== 'function') throw wrong('fetch', 'must be a function like fetch');
  return {
    address: readAddress(given.address ?? environment.BAO_ADDR ?? environment.VAULT_ADDR),
    mount: readPath(given.mount ?? 'transit', 'mount'),
    namespace: readNamespace(
      given.namespace ?? environment.BAO_NAMESPACE ?? environment.VAULT_NAMESPACE,
    ),
    credentials: readCredentials(given, environment),
    aliases: readAliases(given.aliases ?? {}, isKeyName),
    requestTimeout: readDelay(requestTimeout, 'options.requestTimeout'),
    fetch: send as typeof fetch,
  };
}

function readAddress(value: unknown): string {
  if (value === undefined) {
    throw wrong('address', 'is missing: pass it, or set BAO_ADDR or VAULT_ADDR');
  }
  const { origin, pathname } = readBackendUrl(value, 'options.address');
  // Not `href`, which keeps an empty query or fragment.
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

function readNamespace(value: unknown): string {
  if (value === undefined || value === '') return '';
  return readPath(typeof value === 'string' ? value.replace(/\/$/, '') : value, 'namespace');
}

function readPath(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length <= 256 && PATH.test(value)) return value;
  throw wrong(field, "must be a path such as 'transit': letters, digits, '_', '.', '-' and '/'");
}

function readCredentials(
  { token, appRole, kubernetes }: Readonly<Record<'token' | 'appRole' | 'kubernetes', unknown>>,
  environment: NodeJS.ProcessEnv,
): Credentials {
  const given = Object.entries({ token, appRole, kubernetes }).filter(([, value]) => value != null);
  if (given.length > 1) {
    throw wrong(given[1]?.[0] as string, `can't be given together with ${given[0]?.[0]}`);
  }
  if (appRole !== undefined) {
    const { roleId, secretId, mount } = readFields(appRole, 'options.appRole', [
      'roleId',
      'secretId',
      'mount',
    ]);
    return {
      kind: 'approle',
      roleId: readText(roleId, 'appRole.roleId'),
      secretId: readText(secretId, 'appRole.secretId'),
      mount: readPath(mount ?? 'approle', 'appRole.mount'),
    };
  }
  if (kubernetes !== undefined) {
    const { role, tokenFile, mount } = readFields(kubernetes, 'options.kubernetes', [
      'role',
      'tokenFile',
      'mount',
    ]);
    return {
      kind: 'kubernetes',
      role: readText(role, 'kubernetes.role'),
      tokenFile: readText(tokenFile ?? SERVICE_ACCOUNT_TOKEN, 'kubernetes.tokenFile'),
      mount: readPath(mount ?? 'kubernetes', 'kubernetes.mount'),
    };
  }
  const source = token ?? environment.BAO_TOKEN ?? environment.VAULT_TOKEN;
  if (typeof source === 'function') return { kind: 'token', token: source as () => unknown };
  if (source === undefined) {
    throw wrong(
      'token',
      'is missing: pass token, appRole or kubernetes, or set BAO_TOKEN or VAULT_TOKEN',
    );
  }
  const text = readText(source, 'token');
  return { kind: 'token', token: () => text };
}

function readText(value: unknown, field: string): string {
  if (isHeaderText(value)) return value;
  throw wrong(field, 'must be text without spaces at its ends and control characters');
}

/** Returns true for text that can be a header, as tokens are. */
export function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~](?:[ -~]*[!-~])?$/.test(value);
}

function wrong(option: string, problem: string): InvalidInputError {
  return new InvalidInputError(`options.${option}`, problem);
}
