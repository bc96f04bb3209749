import {
  AbortError,
  AccessDeniedError,
  askForCredential,
  InvalidInputError,
  KeyWrapError,
  ProviderUnavailableError,
} from '@keywrap/core';
import type { Handle } from 'pkcs11js';
import { codeOf, isEndedSession, isRefusedPin } from './errors.js';
import { numberIn } from './keys.js';
import type { Library } from './library.js';
import { isText, type ReadOptions, type TokenName } from './options.js';

/** The token that was found. */
export interface Token {
  readonly slot: Handle;
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
}

/** CKS_RW_PUBLIC_SESSION */
const RW_PUBLIC_SESSION = 2;

/**
 * Sessions of one token, at most so many at once; a call waits for one. A session in which anything failed is closed,
 * because an operation may still be active in it. When the token was reset, the pool logs in again.
 */
export class Sessions {
  readonly #library: Library;
  readonly #token: Token;
  readonly #pin: (() => unknown) | undefined;
  readonly #idle: Handle[] = [];
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #refused: { readonly pin: string; readonly cause: unknown } | undefined;

  constructor(library: Library, token: Token, { pin, sessions }: ReadOptions) {
    this.#library = library;
    this.#token = token;
    this.#pin = pin;
    this.#free = sessions;
  }

  /**
   * Runs an operation in a session of its own. When the session had ended, runs it once more in a new one.
   *
   * @param signal Ends the wait for a session. An operation that runs in the token can't be stopped.
   */
  async use<T>(work: (session: Handle) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await this.#attempt(work).catch((error) => {
        if (!isEndedSession(error)) throw error;
        this.closeIdle();
        return this.#attempt(work);
      });
    } finally {
      this.#free++;
      this.#waiting.shift()?.();
    }
  }

  /** Closes the sessions that no call uses. */
  closeIdle(): void {
    for (const session of this.#idle.splice(0)) this.#close(session);
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    while (this.#free === 0) await this.#turn(signal);
    this.#free--;
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(new AbortError('the call was aborted'));
      };
      this.#waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
      if (signal?.aborted) leave();
    });
  }

  async #attempt<T>(work: (session: Handle) => T | Promise<T>): Promise<T> {
    const session = this.#idle.pop() ?? this.#open();
    try {
      await this.#logIn(session);
      const result = await work(session);
      this.#idle.push(session);
      return result;
    } catch (error) {
      // An error of this package comes from before or after the operation.
      if (error instanceof KeyWrapError) this.#idle.push(session);
      else this.#close(session);
      throw error;
    }
  }

  /** Finds the token again: its slot may have another number after a reset. */
  #open(): Handle {
    const { calls, constants } = this.#library;
    const { label, serial } = this.#token;
    const slot = tokensOf(this.#library).find(
      (token) => token.label === label && token.serial === serial,
    )?.slot;
    if (slot === undefined) throw new ProviderUnavailableError('the token is not there any more');
    return calls.C_OpenSession(slot, constants.CKF_SERIAL_SESSION | constants.CKF_RW_SESSION);
  }

  /**
   * Who is logged in is so in all sessions of this process, until somebody in it logs out. A PIN that was refused is
   * not tried again: a token counts, and locks after a few.
   */
  async #logIn(session: Handle): Promise<void> {
    const { calls, constants: c } = this.#library;
    if (this.#pin === undefined) return;
    if (calls.C_GetSessionInfo(session).state !== RW_PUBLIC_SESSION) return;
    const pin = await askForCredential(this.#pin, 'options.pin', isText);
    if (pin === this.#refused?.pin) {
      throw new AccessDeniedError(
        'the token refused this PIN; it is not tried again, since that could lock the token: open the provider again with the right PIN',
        { cause: this.#refused.cause },
      );
    }
    try {
      calls.C_Login(session, c.CKU_USER, pin);
    } catch (error) {
      if (isRefusedPin(error)) this.#refused = { pin, cause: error };
      if (codeOf(error) !== c.CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
  }

  #close(session: Handle): void {
    try {
      this.#library.calls.C_CloseSession(session);
    } catch {
      // It had ended.
    }
  }
}

/**
 * Finds the token.
 *
 * @throws {@link InvalidInputError} when there is none like it, or several.
 */
export function findToken(library: Library, name: TokenName): Token {
  const tokens = tokensOf(library);
  const matches = tokens.filter(({ slot, label, serial, manufacturer, model }) => {
    const is = (asked: unknown, value: unknown) => asked === undefined || asked === value;
    return (
      is(name.label, label) &&
      is(name.serial, serial) &&
      is(name.manufacturer, manufacturer) &&
      is(name.model, model) &&
      is(name.slot, numberIn(slot))
    );
  });
  const [match, another] = matches;
  if (match !== undefined && another === undefined) return match;
  const problem = match === undefined ? 'names no token that is here' : 'fits several tokens';
  const labels = tokens.map(({ label }) => JSON.stringify(label)).join(', ') || 'none';
  throw new InvalidInputError('options.token', `${problem}; the labels are: ${labels}`);
}

function tokensOf({ calls, constants }: Library): Token[] {
  return calls.C_GetSlotList(true).flatMap((slot): Token[] => {
    const info = calls.C_GetTokenInfo(slot);
    if ((info.flags & constants.CKF_TOKEN_INITIALIZED) === 0) return [];
    const text = ['label', 'serialNumber', 'manufacturerID', 'model'] as const;
    const [label, serial, manufacturer, model] = text.map((field) => info[field].trim()) as [
      string,
      string,
      string,
      string,
    ];
    return [{ slot, label, serial, manufacturer, model }];
  });
}
