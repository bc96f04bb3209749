import { readFile } from 'node:fs/promises';
import { AccessDeniedError, askForCredential, InvalidInputError, within } from '@keywrap/core';
import { VaultError, type VaultHttp, type VaultRequest, type VaultResponse } from './http.js';
import { type Credentials, isHeaderText, type ReadOptions } from './options.js';

/** A token and its lease. */
interface Lease {
  readonly token: string;
  /** When half of the lease is over, in milliseconds: the token is renewed then. Infinity if it does not expire. */
  readonly renewAt: number;
  readonly expiresAt: number;
  readonly isRenewable: boolean;
}

/** How long a denied call does not log in again after a new token was denied too, in milliseconds. */
const DENIED_FOR = 60_000;

/**
 * How long a refused login is not repeated, in milliseconds; one with another token of a service account is another
 * login. OpenBao locks a role for all its users after five refused logins in 15 minutes ([user
 * lockout](https://openbao.org/docs/concepts/user-lockout/)).
 */
const REFUSED_FOR = 5 * 60_000;

/**
 * Sends requests with a token: gets one, renews it when half of its lease is over, and logs in again when the server
 * does not know it any more. Nothing runs between calls.
 */
export class Session {
  readonly #http: VaultHttp;
  readonly #credentials: Credentials;
  /** In milliseconds. */
  readonly #timeout: number;
  readonly #now: () => number;
  #lease: Lease | undefined;
  #pending: Promise<Lease> | undefined;
  /** Until when a denied call is what the policies say, although the token may not look itself up. */
  #deniedUntil = Number.NEGATIVE_INFINITY;
  #refused: { readonly body: string; readonly until: number; readonly cause: unknown } | undefined;

  /** @param now The clock, in milliseconds. */
  constructor(
    http: VaultHttp,
    { credentials, requestTimeout }: Pick<ReadOptions, 'credentials' | 'requestTimeout'>,
    now: () => number,
  ) {
    this.#http = http;
    this.#credentials = credentials;
    this.#timeout = requestTimeout;
    this.#now = now;
  }

  /** @throws {@link VaultError} when the server reports an error. */
  async send(request: Omit<VaultRequest, 'token'>): Promise<VaultResponse> {
    const { token } = await this.#current();
    try {
      return await this.#http.send({ ...request, token });
    } catch (error) {
      // "permission denied" is said of an expired token too. A request that was denied did nothing.
      if (!isDenied(error) || this.#now() < this.#deniedUntil) throw error;
      if (await this.#isKnown(token)) throw error;
      if (this.#lease?.token === token) this.#lease = undefined;
      const { token: next } = await this.#current();
      if (next === token) throw error;
      return await this.#http.send({ ...request, token: next }).catch((again) => {
        // It is the policies, which do not let the token look itself up either.
        if (isDenied(again)) this.#deniedUntil = this.#now() + DENIED_FOR;
        throw again;
      });
    }
  }

  /** One login or renewal at a time, for all calls: that a caller gives up does not end it. */
  async #current(): Promise<Lease> {
    const lease = this.#lease;
    if (lease !== undefined && this.#now() < lease.renewAt) return lease;
    this.#pending ??= this.#next(lease).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #next(lease: Lease | undefined): Promise<Lease> {
    try {
      this.#lease = await (lease === undefined ? this.#logIn() : this.#renew(lease));
      return this.#lease;
    } catch (error) {
      if (lease !== undefined && this.#now() < lease.expiresAt) return lease;
      throw error;
    }
  }

  async #renew(lease: Lease): Promise<Lease> {
    if (!lease.isRenewable) return this.#logIn();
    try {
      const { auth } = await this.#http.send({
        method: 'POST',
        path: 'auth/token/renew-self',
        token: lease.token,
        body: {},
      });
      return this.#leaseOf(auth);
    } catch (error) {
      if (!(error instanceof VaultError) || error.status >= 500) throw error;
      return this.#logIn();
    }
  }

  async #logIn(): Promise<Lease> {
    const credentials = this.#credentials;
    if (credentials.kind === 'token') {
      const { token } = credentials;
      const ask = () => askForCredential(token, 'options.token', isHeaderText);
      return this.#learn(
        await within(this.#timeout, 'the function of options.token did not answer', ask),
      );
    }
    const { mount } = credentials;
    const body =
      credentials.kind === 'approle'
        ? { role_id: credentials.roleId, secret_id: credentials.secretId }
        : { role: credentials.role, jwt: await readTokenFile(credentials.tokenFile) };
    const text = JSON.stringify(body);
    if (this.#refused?.body === text && this.#now() < this.#refused.until) {
      throw new AccessDeniedError(
        `the login at auth/${mount} was refused; it is tried again after ${REFUSED_FOR / 60_000} minutes, since servers lock a role that is refused several times`,
        { cause: this.#refused.cause },
      );
    }
    const { auth } = await this.#http
      .send({ method: 'POST', path: `auth/${mount}/login`, body })
      .catch((cause) => {
        if (!isRefused(cause)) throw cause;
        this.#refused = { body: text, until: this.#now() + REFUSED_FOR, cause };
        throw new AccessDeniedError(
          `the login at auth/${mount} was refused: check the role, the secret and the mount (${cause.message})`,
          { cause },
        );
      });
    return this.#leaseOf(auth);
  }

  #leaseOf(auth: VaultResponse['auth']): Lease {
    const { client_token, lease_duration, renewable } = auth;
    if (!isHeaderText(client_token)) throw new AccessDeniedError('the server returned no token');
    return this.#lasting(client_token, Number(lease_duration), renewable === true);
  }

  /** Finds out how long a given token lasts, if it may know. */
  async #learn(token: string): Promise<Lease> {
    const lookUp = { method: 'GET', path: 'auth/token/lookup-self', token } as const;
    const data = await this.#http.send(lookUp).then(
      (response) => response.data,
      (error) => (isDenied(error) ? {} : undefined),
    );
    // The server failed: the next call asks again.
    if (data === undefined) {
      const [renewAt, expiresAt] = [this.#now(), Number.POSITIVE_INFINITY];
      return { token, renewAt, expiresAt, isRenewable: false };
    }
    const { ttl, renewable } = data as VaultResponse['data'];
    return this.#lasting(token, Number(ttl ?? 0), renewable === true);
  }

  /** @param seconds 0 if it does not expire. */
  #lasting(token: string, seconds: number, isRenewable: boolean): Lease {
    const milliseconds = seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
    const now = this.#now();
    return {
      token,
      renewAt: now + milliseconds / 2,
      expiresAt: now + milliseconds,
      isRenewable,
    };
  }

  async #isKnown(token: string): Promise<boolean> {
    return this.#http.send({ method: 'GET', path: 'auth/token/lookup-self', token }).then(
      () => true,
      (error) => !isDenied(error),
    );
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof VaultError && error.status === 403;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const problem = 'could not be read; see the cause';
    throw new InvalidInputError('options.kubernetes.tokenFile', problem, { cause });
  }
}

/** A wrong secret is answered with 400, as is a role that does not exist. */
function isRefused(error: unknown): error is VaultError {
  return error instanceof VaultError && [400, 403, 404].includes(error.status);
}
