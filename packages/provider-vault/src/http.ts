import { InvalidInputError, ProviderUnavailableError } from '@keywrap/core';
import type { ReadOptions } from './options.js';

/** The result of one item of a batch. */
export interface BatchResult {
  readonly plaintext?: string | undefined;
  readonly error?: string | undefined;
}

/** How many of the server's explanations are kept, and how many characters of each: a server may send megabytes. */
const MAXIMUM_TEXTS = 8;
const MAXIMUM_TEXT = 500;

/** A response that reports an error. It holds the server's texts, never the request. */
export class VaultError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The server's explanations. Empty if the response is not from OpenBao or Vault. */
  readonly errors: readonly string[];
  /** The results of a batch of which at least one item failed. */
  readonly batch: readonly BatchResult[] | undefined;

  constructor(status: number, errors: readonly string[], batch?: readonly BatchResult[]) {
    super(`HTTP ${status}${errors.length === 0 ? '' : `: ${errors.join('; ').trim()}`}`);
    this.name = 'VaultError';
    this.status = status;
    this.errors = errors;
    this.batch = batch;
  }
}

/** The body of a response. */
export interface VaultResponse {
  readonly data: Readonly<Record<string, unknown>>;
  readonly auth: Readonly<Record<string, unknown>>;
}

/** One request to the server. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST';
  /** The path after `/v1/`. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: object | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The longest response that is read, in bytes: the largest are descriptions of RSA keys with many versions. */
const MAXIMUM_RESPONSE = 4 * 1024 * 1024;

/** Sends requests to the server ([HTTP API](https://openbao.org/api-docs/)). */
export class VaultHttp {
  readonly #options: ReadOptions;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  /** @throws {@link VaultError} when the server reports an error. */
  async send({ method, path, token, body, signal }: VaultRequest): Promise<VaultResponse> {
    const { address, namespace, requestTimeout, fetch } = this.#options;
    const timeout = AbortSignal.timeout(requestTimeout);
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: {
        'X-Vault-Request': 'true',
        ...(token !== undefined && { 'X-Vault-Token': token }),
        ...(namespace !== '' && { 'X-Vault-Namespace': namespace }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      // A redirect would take the token to another host.
      redirect: 'manual',
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const secrets = secretsOf(token, body);
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw new InvalidInputError(
        'options.address',
        `is not where requests are answered: the server redirects (HTTP ${response.status}); name the active server`,
      );
    }
    return readAnswer(response.status, await readText(response), secrets);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAXIMUM_RESPONSE) throw notVault(response.status);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  // It may hold a plaintext.
  for (const each of [bytes, ...chunks]) each.fill(0);
  return text;
}

function readAnswer(status: number, text: string, secrets: readonly string[]): VaultResponse {
  const body = parse(text);
  const { data, auth, errors } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const { batch_results: results, ...fields } = record(data);
  const batch = Array.isArray(results) ? results.map((each) => resultOf(each, secrets)) : undefined;
  if (status >= 200 && status < 300) {
    if (body === undefined && text !== '') throw notVault(status);
    return { data: { ...fields, batch_results: batch }, auth: record(auth) };
  }
  // OpenBao and Vault explain these; a proxy's page must not pass for "there is no such key".
  const explains = Array.isArray(errors) || batch !== undefined;
  if (!explains && (status === 400 || status === 404)) throw notVault(status);
  const texts = Array.isArray(errors)
    ? errors.slice(0, MAXIMUM_TEXTS).map((each) => shown(each, secrets))
    : [];
  throw new VaultError(status, texts, batch);
}

/** The fields of a request that no error may show. */
const SECRET_FIELDS = ['plaintext', 'ciphertext', 'secret_id', 'jwt'];

/** Returns what a server may repeat of a request, and no error may show. */
function secretsOf(token: string | undefined, body: object = {}): readonly string[] {
  const { batch_input = [], ...fields } = body as { readonly batch_input?: readonly object[] };
  const values = [fields, ...batch_input].flatMap((each) =>
    SECRET_FIELDS.map((name) => (each as Readonly<Record<string, unknown>>)[name]),
  );
  return [token, ...values].filter((each) => typeof each === 'string' && each !== '') as string[];
}

/** Returns an explanation of the server as errors show it. */
function shown(text: unknown, secrets: readonly string[]): string {
  let safe = typeof text === 'string' ? text : String(JSON.stringify(text));
  for (const secret of secrets) safe = safe.replaceAll(secret, '(hidden)');
  return safe
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAXIMUM_TEXT);
}

/** The result of one item of a batch, with its error as errors show it. */
function resultOf(value: unknown, secrets: readonly string[]): BatchResult {
  const { error, ...result } = record(value);
  return error === undefined || error === '' ? result : { ...result, error: shown(error, secrets) };
}

/** Returns undefined for anything but JSON: the parser's message would quote it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Returns the members of a JSON object; none of anything else. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function notVault(status: number): ProviderUnavailableError {
  return new ProviderUnavailableError(
    `the response is not from OpenBao or Vault, or was truncated (HTTP ${status}): check the address and the proxies on the way`,
  );
}
