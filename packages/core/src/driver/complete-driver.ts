import { isUint8Array, newSecret, wipe } from '../provider/bytes.js';
import {
  InternalError,
  InvalidInputError,
  type KeyWrapError,
  UnsupportedOperationError,
} from '../provider/errors.js';
import { maximumPlaintextLength } from '../provider/key-spec.js';
import {
  checkDataKey,
  checkDecrypted,
  checkDescription,
  checkEncrypted,
  checkPair,
  checkPublicKey,
  checkReEncrypted,
  checkWrappedPair,
} from './check-output.js';
import { classifyError } from './classify-error.js';
import {
  type CompleteDriver,
  type DriverFunctions,
  type FunctionName,
  IN_PROCESS,
  type KeyFunctions,
  type KeyWrapDriver,
  type OutputOf,
  type RequestOf,
} from './driver.js';
import { Lifetime } from './lifetime.js';
import type { Awaitable, Call, DataKeyOutput, ReEncryptOutput } from './requests.js';

/**
 * Completes a driver: fills in what it leaves out, checks what it returns, and turns what it throws into
 * a `KeyWrapError`. For layers, and for whoever calls a driver with requests that were parsed already;
 * {@link createProvider} completes a driver by itself.
 *
 * Nothing here looks at {@link CompleteDriver.lifetime}: that is for whoever calls the driver.
 *
 * @example
 * ```ts
 * import { completeDriver, type KeyWrapDriver, parseKeyId } from '@keywrap/core';
 *
 * async function arnOf(driver: KeyWrapDriver, keyId: string): Promise<string> {
 *   const call = { signal: undefined, grantTokens: undefined, bytesToEncrypt: undefined };
 *   const key = await completeDriver(driver).describeKey({ key: parseKeyId(keyId) }, call);
 *   return key.keyId;
 * }
 * ```
 */
export function completeDriver<Keys extends object = object>(
  driver: KeyWrapDriver<Keys>,
): CompleteDriver<Keys> {
  /** The driver's function, which throws what core can name, and returns what was checked. */
  const guarded =
    <Name extends FunctionName>(
      step: Name,
      work: (request: RequestOf<Name>, call: Call) => Awaitable<OutputOf<Name>>,
      check: (output: OutputOf<Name>, request: RequestOf<Name>) => OutputOf<Name>,
      secret?: keyof OutputOf<Name> & string,
    ) =>
    async (request: RequestOf<Name>, call: Call): Promise<OutputOf<Name>> => {
      let output: OutputOf<Name> | undefined;
      try {
        output = await work(request, call);
        if (typeof output !== 'object' || output === null) throw nothing();
        return check(output, request);
      } catch (error) {
        if (secret !== undefined) wipeField(output, secret);
        const named = classifyError(error, step, driver, call.signal);
        throw step === 'reEncrypt' ? aboutCiphertext(named) : named;
      }
    };

  const { generateDataKeyPair, getPublicKey } = driver;
  const encrypt = guarded('encrypt', driver.encrypt.bind(driver), checkEncrypted);
  const decrypt = guarded('decrypt', driver.decrypt.bind(driver), checkDecrypted, 'plaintext');
  const here = inProcess(encrypt, decrypt);
  const functions: DriverFunctions = {
    encrypt,
    decrypt,
    reEncrypt: guarded(
      'reEncrypt',
      orElse(driver.reEncrypt?.bind(driver), here.reEncrypt),
      checkReEncrypted,
    ),
    generateDataKey: guarded(
      'generateDataKey',
      orElse(driver.generateDataKey?.bind(driver), here.generateDataKey),
      checkDataKey,
      'plaintext',
    ),
    generateDataKeyWithoutPlaintext: guarded(
      'generateDataKeyWithoutPlaintext',
      driver.generateDataKeyWithoutPlaintext?.bind(driver) ??
        (async (request, call) => {
          const { plaintext, ...wrapped } = await functions.generateDataKey(request, call);
          wipe(plaintext);
          return wrapped;
        }),
      checkEncrypted,
    ),
    generateDataKeyPair: guarded(
      'generateDataKeyPair',
      generateDataKeyPair?.bind(driver) ?? unsupported('does not generate data key pairs'),
      checkPair,
      'privateKey',
    ),
    generateDataKeyPairWithoutPlaintext: guarded(
      'generateDataKeyPairWithoutPlaintext',
      driver.generateDataKeyPairWithoutPlaintext?.bind(driver) ??
        (async (request, call) => {
          const { privateKey, ...wrapped } = await functions.generateDataKeyPair(request, call);
          wipe(privateKey);
          return wrapped;
        }),
      checkWrappedPair,
    ),
    getPublicKey: guarded(
      'getPublicKey',
      getPublicKey?.bind(driver) ?? unsupported('has no asymmetric keys'),
      checkPublicKey,
    ),
    describeKey: guarded('describeKey', driver.describeKey.bind(driver), checkDescription),
  };

  let closing: Promise<void> | undefined;
  return {
    ...functions,
    id: driver.id,
    capabilities: driver.capabilities,
    keys: named(driver),
    onRefused: undefined,
    lifetime: new Lifetime(),
    close: () => (closing ??= closeOnce(driver)),
  };
}

/** The functions of `keys`, which throw what core can name. */
function named<Keys extends object>(driver: KeyWrapDriver<Keys>): Keys {
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

/** Tries the driver's own function first, where there is one. */
function orElse<Request, Output extends object>(
  own: ((request: Request, call: Call) => Awaitable<Output | typeof IN_PROCESS>) | undefined,
  here: (request: Request, call: Call) => Promise<Output>,
) {
  if (own === undefined) return here;
  return async (request: Request, call: Call): Promise<Output> => {
    const output = await own(request, call);
    return output === IN_PROCESS ? here(request, call) : output;
  };
}

/** What two functions of a driver are enough for. */
function inProcess(
  encrypt: DriverFunctions['encrypt'],
  decrypt: DriverFunctions['decrypt'],
): {
  readonly reEncrypt: (
    ...args: Parameters<DriverFunctions['reEncrypt']>
  ) => Promise<ReEncryptOutput>;
  readonly generateDataKey: (
    ...args: Parameters<DriverFunctions['generateDataKey']>
  ) => Promise<DataKeyOutput>;
} {
  return {
    async reEncrypt({ ciphertext, source, destination }, call) {
      // Field by field, here and wherever each call passes: a spread takes as long as all of the checks.
      const { key, algorithm, encryptionContext } = source;
      const opened = await decrypt({ key, algorithm, encryptionContext, ciphertext }, call);
      const { plaintext } = opened;
      try {
        const maximum = maximumPlaintextLength(destination.algorithm);
        if (plaintext.length === 0 || plaintext.length > maximum) {
          throw new InvalidInputError(
            'ciphertext',
            `holds more or less plaintext than ${destination.algorithm} can encrypt: 1 to ${maximum} bytes`,
          );
        }
        const { key, algorithm, encryptionContext } = destination;
        const sealed = await encrypt({ key, algorithm, encryptionContext, plaintext }, call);
        return {
          ciphertext: sealed.ciphertext,
          sourceKeyId: opened.keyId,
          sourceKeyVersion: opened.keyVersion,
          destinationKeyId: sealed.keyId,
          destinationKeyVersion: sealed.keyVersion,
        };
      } finally {
        wipe(plaintext);
      }
    },

    async generateDataKey({ key, algorithm, encryptionContext, numberOfBytes }, call) {
      const plaintext = crypto.getRandomValues(newSecret(numberOfBytes));
      try {
        const sealed = await encrypt({ key, algorithm, encryptionContext, plaintext }, call);
        const { ciphertext, keyId, keyVersion } = sealed;
        return { plaintext, ciphertext, keyId, keyVersion };
      } catch (error) {
        wipe(plaintext);
        throw error;
      }
    },
  };
}

/** The plaintext of a reEncrypt is none of its inputs: what is wrong with it is wrong with the ciphertext. */
function aboutCiphertext(error: KeyWrapError): KeyWrapError {
  if (!(error instanceof InvalidInputError) || error.field !== 'plaintext') return error;
  const problem = `does not fit the destination: ${error.message}`;
  return new InvalidInputError('ciphertext', problem, { cause: error });
}

function unsupported(what: string) {
  return (): never => {
    throw new UnsupportedOperationError(`this provider ${what}`);
  };
}

function nothing(): InternalError {
  return new InternalError("the provider's backend returned nothing");
}

/** Wipes a field that holds secret bytes, if it is there. */
export function wipeField(holder: object | null | undefined, name: string): void {
  const bytes = (holder as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  if (isUint8Array(bytes)) wipe(bytes);
}
