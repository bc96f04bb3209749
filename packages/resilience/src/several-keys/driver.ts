import {
  assertKeyEnabled,
  type Call,
  type EncryptionContext,
  formatKeyArn,
  InvalidCiphertextError,
  InvalidInputError,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyWrapDriver,
  KeyWrapError,
  type KeyWrapProvider,
  LIMITS,
  type ProviderCapabilities,
} from '@keywrap/core';
import { open, seal } from '@keywrap/envelope';

/** A key of one backend. */
export interface MemberKey {
  readonly provider: KeyWrapProvider;
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
}

/** The keys of one name, in the order in which they are tried. */
export type Members = readonly [MemberKey, ...MemberKey[]];

/** Returns the keys of a name; undefined if it has none. */
export type KeysOf = (name: string) => Members | undefined;

const SCOPE = { partition: 'keywrap', region: 'several', account: 'keys' };

/** The pair that binds a message to the name of its keys: two names may share one. */
const NAME = 'keywrap:several-keys';

const CAPABILITIES: ProviderCapabilities = Object.freeze({
  algorithms: Object.freeze(['SYMMETRIC_DEFAULT'] as const),
  encryptionContext: true,
  keyIdFromCiphertext: false,
  dataKeys: true,
  dataKeyPairSpecs: Object.freeze([]),
  // So that a message with four data keys that AWS KMS wrapped fits into 6144 bytes.
  limits: Object.freeze({ plaintext: 1024, encryptionContext: 3584 }),
});

/**
 * A driver over providers: a ciphertext is a message of the AWS Encryption SDK with a data key under each key.
 *
 * @param providers Closed with it.
 */
export function severalKeysDriver(
  keysOf: KeysOf,
  providers: ReadonlyMap<unknown, KeyWrapProvider>,
): KeyWrapDriver {
  return {
    id: 'several',
    capabilities: CAPABILITIES,

    async encrypt({ key, encryptionContext, plaintext }, call) {
      const { name, members } = find(key);
      const [{ provider, keyId }, ...otherKeys] = members;
      const options = { keyId, otherKeys, encryptionContext: bound(name, encryptionContext) };
      const ciphertext = await seal(provider, options, plaintext, optionsOf(call)).catch(rethrow);
      if (ciphertext.length > LIMITS.ciphertext) {
        throw new InvalidInputError(
          'encryptionContext',
          `makes the ciphertext longer than ${LIMITS.ciphertext} bytes under these keys: bind to less`,
        );
      }
      return { ciphertext, keyId: arnOf(name) };
    },

    async decrypt({ key, encryptionContext, ciphertext }, call) {
      if (key === undefined) throw new InvalidInputError('keyId', 'is missing');
      const { name, members } = find(key);
      const context = bound(name, encryptionContext);
      const options = { trustedKeys: members, encryptionContext: context };
      const opened = await open(members[0].provider, ciphertext, options, optionsOf(call)).catch(
        async (error) => {
          if (!isAboutMessage(error)) return rethrow(error);
          await assertUsable(arnOf(name), members, call);
          throw cannotDecrypt();
        },
      );
      // A message may have more pairs than `open` was told to expect.
      if (Object.keys(opened.encryptionContext).length !== Object.keys(context).length) {
        opened[Symbol.dispose]();
        throw cannotDecrypt();
      }
      return { plaintext: opened.plaintext, keyId: arnOf(name) };
    },

    async describeKey({ key }, call) {
      const { name, members } = find(key);
      const { creationDate, description, origin, keyState } = await describe(members, call);
      return {
        keyId: arnOf(name),
        keySpec: 'SYMMETRIC_DEFAULT',
        keyUsage: 'ENCRYPT_DECRYPT',
        algorithms: CAPABILITIES.algorithms,
        keyState,
        origin,
        description,
        creationDate,
      };
    },

    async close() {
      await Promise.all([...providers.values()].map((provider) => provider.close()));
    },
  };

  function find(key: KeyName) {
    const isHere =
      !('partition' in key) ||
      (key.partition === SCOPE.partition &&
        key.region === SCOPE.region &&
        key.account === SCOPE.account);
    const isKey = key.kind === 'key-id' || key.kind === 'key-arn';
    const name = isKey ? key.id : key.alias;
    const members = keysOf(name);
    if (isHere && members !== undefined) return { name, members };
    throw new KeyNotFoundError('there are no keys under this name; see the option keys');
  }
}

/** Throws the state of keys none of which may be used: they do not tell which ciphertexts they would open. */
async function assertUsable(
  keyId: string,
  members: readonly MemberKey[],
  call: Call,
): Promise<void> {
  const known = await describeAll(members, call);
  const isUsable = ({ keyState }: KeyDescription) =>
    keyState === 'Enabled' || keyState === 'DecryptOnly';
  const [first] = known;
  if (first !== undefined && !known.some(isUsable))
    assertKeyEnabled({ ...first, keyId }, 'decrypt');
}

/** Describes the first key that is not enabled, or else the first that answers. */
async function describe(members: readonly MemberKey[], call: Call): Promise<KeyDescription> {
  const errors: unknown[] = [];
  const known = await describeAll(members, call, errors);
  return known.find(({ keyState }) => keyState !== 'Enabled') ?? known[0] ?? rethrow(errors[0]);
}

/** Describes the keys whose providers answer. */
async function describeAll(
  members: readonly MemberKey[],
  call: Call,
  errors: unknown[] = [],
): Promise<readonly KeyDescription[]> {
  const descriptions = await Promise.allSettled(
    members.map(({ provider, keyId }) => provider.describeKey({ keyId }, optionsOf(call))),
  );
  return descriptions.flatMap((each) => {
    if (each.status === 'fulfilled') return [each.value];
    errors.push(each.reason);
    return [];
  });
}

/** Lets core name the caller's operation and key, in place of those inside. */
function rethrow(error: unknown): never {
  throw error instanceof KeyWrapError
    ? Object.assign(error, { operation: undefined, keyId: undefined })
    : error;
}

function bound(name: string, context: EncryptionContext): EncryptionContext {
  if (!Object.hasOwn(context, NAME)) return { ...context, [NAME]: name };
  throw new InvalidInputError('encryptionContext', `must not have the key '${NAME}'`);
}

function arnOf(name: string): string {
  return formatKeyArn(name, SCOPE);
}

function optionsOf({ signal, grantTokens }: Call) {
  return { signal, grantTokens };
}

/** Everything that is wrong with a message is the ciphertext's fault, and other input is a mistake in a member's options. */
function isAboutMessage(error: unknown): boolean {
  if (error instanceof InvalidInputError) return error.field === 'message';
  if (!(error instanceof KeyWrapError)) return false;
  return ['INVALID_CIPHERTEXT', 'INCORRECT_KEY', 'UNSUPPORTED', 'UNTRUSTED_KEY'].includes(
    error.code,
  );
}

function cannotDecrypt(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the ciphertext can not be decrypted with these keys and this encryption context',
  );
}
