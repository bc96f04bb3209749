import { isUint8Array, wipe } from '../provider/bytes.js';
import { InternalError, InvalidInputError, type KeyWrapError } from '../provider/errors.js';
import { ownField, ownFields } from '../provider/own-fields.js';
import { readValue } from '../provider/read-fields.js';
import * as check from './check-output.js';
import { classifyError } from './classify-error.js';
import {
  type CompleteDriver,
  type DriverFunctions,
  FUNCTION_NAMES,
  type FunctionName,
  IN_PROCESS,
  type InProcess,
  type KeyFunctions,
  type KeyWrapDriver,
  type OutputOf,
  type RequestOf,
} from './driver.js';
import { type DriverInside, IN_THIS_PROCESS } from './in-process.js';
import { isPromise } from './is-promise.js';
import { Lifetime } from './lifetime.js';
import type { Awaitable, Call } from './requests.js';

/**
 * Completes a driver: fills in the missing functions, checks its outputs, and classifies its errors. Use it for
 * layers, and for requests that are already parsed; {@link createProvider} completes a driver itself.
 *
 * The functions do not check {@link CompleteDriver.lifetime}: the caller must.
 *
 * @example
 * ```ts
 * import { completeDriver, type KeyWrapDriver, NO_OPTIONS, parseKeyId } from '@keywrap/core';
 *
 * async function arnOf(driver: KeyWrapDriver, keyId: string): Promise<string> {
 *   const request = { key: parseKeyId(keyId) };
 *   return (await completeDriver(driver).describeKey(request, NO_OPTIONS)).keyId;
 * }
 * ```
 */
export function completeDriver<Keys extends object = object>(
  driver: KeyWrapDriver<Keys>,
): CompleteDriver<Keys> {
  const whole = ownMembers(driver);
  /** @param secrets The fields of the output that hold secret bytes: wiped if the output is rejected. */
  function complete<Name extends FunctionName>(
    name: Name,
    accept: (output: OutputOf<Name>, request: RequestOf<Name>) => OutputOf<Name>,
    ...secrets: (keyof OutputOf<Name> & string)[]
  ) {
    type Work<T> = (
      ...args: [...T[], RequestOf<Name>, Call]
    ) => Awaitable<OutputOf<Name> | InProcess>;
    const own = whole[name] as Work<never> | undefined;
    const instead = ownField(IN_THIS_PROCESS as Partial<Record<Name, Work<DriverInside>>>, name);
    const checked = (output: OutputOf<Name> | InProcess, request: RequestOf<Name>) => {
      if (typeof output !== 'object' || output === null) {
        throw new InternalError("the provider's backend returned nothing");
      }
      return accept(output, request);
    };
    const failure = (error: unknown, output: unknown, call: Call) => {
      wipeFields(output, secrets);
      const named = classifyError(error, name, whole, call.signal);
      return name === 'reEncrypt' ? aboutCiphertext(named) : named;
    };
    const later = async (
      answer: Awaitable<OutputOf<Name> | InProcess>,
      request: RequestOf<Name>,
      call: Call,
    ): Promise<OutputOf<Name>> => {
      let output: OutputOf<Name> | InProcess | undefined;
      try {
        output = await answer;
        // Its parts were checked.
        if (output === IN_PROCESS && instead !== undefined) {
          return (await instead(inside, request, call)) as OutputOf<Name>;
        }
        return checked(output, request);
      } catch (error) {
        throw failure(error, output, call);
      }
    };
    return (request: RequestOf<Name>, call: Call): Awaitable<OutputOf<Name>> => {
      let output: Awaitable<OutputOf<Name> | InProcess> | undefined;
      try {
        output = own === undefined ? IN_PROCESS : own(request, call);
        if (output === IN_PROCESS || isPromise(output)) return later(output, request, call);
        return checked(output, request);
      } catch (error) {
        throw failure(error, output, call);
      }
    };
  }

  const functions: DriverFunctions = {
    encrypt: complete('encrypt', check.encrypted),
    decrypt: complete('decrypt', check.decrypted, 'plaintext'),
    reEncrypt: complete('reEncrypt', check.reEncrypted),
    generateDataKey: complete('generateDataKey', check.dataKey, 'plaintext'),
    generateDataKeyWithoutPlaintext: complete('generateDataKeyWithoutPlaintext', check.encrypted),
    generateDataKeyPair: complete('generateDataKeyPair', check.pair, 'privateKey'),
    generateDataKeyPairWithoutPlaintext: complete(
      'generateDataKeyPairWithoutPlaintext',
      check.wrappedPair,
    ),
    getPublicKey: complete('getPublicKey', check.publicKey),
    describeKey: complete('describeKey', check.description),
  };
  const inside: DriverInside = { ...functions, capabilities: whole.capabilities };
  let closing: Promise<void> | undefined;
  return {
    ...functions,
    id: whole.id,
    capabilities: whole.capabilities,
    keys: completeKeys(whole),
    onRejected: undefined,
    lifetime: new Lifetime(),
    close: () => (closing ??= closeOnce(whole)),
  };
}

/** Binds the members of a driver to it, without those of a polluted `Object.prototype`. */
function ownMembers<Keys extends object>(driver: KeyWrapDriver<Keys>): KeyWrapDriver<Keys> {
  const members = MEMBERS.map((name) => {
    const member = readValue(driver, name);
    return [name, typeof member === 'function' ? member.bind(driver) : member];
  });
  return ownFields(Object.fromEntries(members) as KeyWrapDriver<Keys>);
}

const MEMBERS = [...FUNCTION_NAMES, 'id', 'capabilities', 'keys', 'mapError', 'close'] as const;

/** Wraps the functions of `keys`, so that their errors are classified. */
function completeKeys<Keys extends object>(driver: KeyWrapDriver<Keys>): Keys {
  const entries = Object.entries((driver.keys ?? {}) as KeyFunctions).map(([step, work]) => [
    step,
    async (request: never, call: Call) => {
      try {
        return await work(request, call);
      } catch (error) {
        throw classifyError(error, step, driver, call.signal);
      }
    },
  ]);
  return Object.fromEntries(entries) as Keys;
}

async function closeOnce(driver: KeyWrapDriver): Promise<void> {
  try {
    await driver.close?.();
  } catch (error) {
    throw classifyError(error, 'close', driver);
  }
}

/** The plaintext of a reEncrypt is not an input: report its errors as errors of the ciphertext. */
function aboutCiphertext(error: KeyWrapError): KeyWrapError {
  if (!(error instanceof InvalidInputError) || error.field !== 'plaintext') return error;
  const problem = `does not fit the destination: ${error.message}`;
  return new InvalidInputError('ciphertext', problem, { cause: error });
}

/** Wipes the secret fields that are present. */
export function wipeFields(holder: unknown, names?: readonly string[]): void {
  if (names === undefined) return;
  for (const name of names) {
    const bytes = (holder as Readonly<Record<string, unknown>> | null | undefined)?.[name];
    if (isUint8Array(bytes)) wipe(bytes);
  }
}
