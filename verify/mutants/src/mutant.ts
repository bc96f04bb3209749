import { createProvider, type KeyWrapError, type KeyWrapProvider } from '@keywrap/core';
import type { ConformanceKeys, ConformanceSubject } from '@keywrap/testkit';
import { ReferenceDriver } from './reference-driver.js';

/** A provider that is wrong in one way. */
export interface Mutant {
  readonly name: string;
  /** The id of the rule that it breaks. */
  readonly breaks: string;
  /** For what only `soak` finds. */
  readonly profile?: 'soak';
  /** For one that hangs. */
  readonly timeoutMs?: number;
  open(): ConformanceSubject;
}

/** A method with everything typed away, the way plain JavaScript overrides it. */
// biome-ignore lint/suspicious/noExplicitAny: a broken provider accepts and returns what the types forbid
export type Loose = (input: any, options?: any) => any;

export type Operation = Exclude<
  {
    [Name in keyof KeyWrapProvider]: KeyWrapProvider[Name] extends Loose ? Name : never;
  }[keyof KeyWrapProvider],
  symbol
>;

/** The provider inside, its methods bound and untyped. */
export type Inner = Readonly<Record<Operation, Loose>> & Pick<KeyWrapProvider, 'capabilities'>;

/** What to put in the place of its methods and properties. */
export interface Overrides {
  readonly [name: string | symbol]: Loose | object | string | undefined;
}

/** A provider over the reference driver with some of its methods replaced. */
export function wrapped(
  name: string,
  breaks: string,
  override: (inner: Inner) => Overrides,
  make: () => ReferenceDriver = () => new ReferenceDriver(),
): Mutant {
  return {
    name,
    breaks,
    open() {
      const driver = make();
      const another = () => {
        const inner = createProvider(driver);
        return replaced(inner, override(replaced(inner, {}) as unknown as Inner));
      };
      return subjectOf(another, driver);
    },
  };
}

/** A provider over a subclass of the reference driver that does one of its steps wrong. */
export function subclassed(
  name: string,
  breaks: string,
  make: () => ReferenceDriver,
  keys: (driver: ReferenceDriver) => ConformanceKeys = (driver) => driver,
): Mutant {
  return {
    name,
    breaks,
    open() {
      const driver = make();
      return subjectOf(() => createProvider(driver), driver, keys(driver));
    },
  };
}

/** A provider and its keys, with every hook. */
function subjectOf(
  another: () => KeyWrapProvider,
  driver: ReferenceDriver,
  keys: ConformanceKeys = driver,
): ConformanceSubject {
  return {
    provider: another(),
    keys,
    reopen: async () => another(),
    fail: (outage) => driver.fail(outage),
  };
}

export const OPERATIONS = [
  'encrypt',
  'decrypt',
  'decryptAsymmetric',
  'reEncrypt',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'getPublicKey',
  'describeKey',
] as const satisfies readonly Operation[];

/** Changes every error of one operation. */
export function failing(
  name: string,
  breaks: string,
  operation: Operation,
  change: (error: KeyWrapError, input: Record<string, Uint8Array>) => unknown,
): Mutant {
  return wrapped(name, breaks, (inner) => ({
    [operation]: (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        throw change(error, input);
      }),
  }));
}

/** The fields of a result as a plain object, its secrets included. */
export function plain<T extends object>(result: T): Record<string, unknown> {
  const names = [
    ...['keyId', 'algorithm', 'plaintext', 'ciphertext', 'publicKey', 'privateKey'],
    ...['privateKeyCiphertext', 'keyPairSpec', 'sourceKeyId', 'sourceAlgorithm'],
    ...['destinationKeyId', 'destinationAlgorithm'],
  ].filter((name) => name in result);
  const fields = names.map((name) => [name, Reflect.get(result, name, result)]);
  return Object.fromEntries(fields) as Record<string, unknown>;
}

/** A result, or a provider, with some of its members replaced, and everything else as it was. */
export function replaced<T extends object>(result: T, fields: Overrides): T {
  return new Proxy(result, {
    get: (target, name) => {
      if (Object.hasOwn(fields, name)) return Reflect.get(fields, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
