import { type EncryptionContext, isAsymmetricAlgorithm, LIMITS, limitOf } from '@keywrap/core';
import { check, expectBytes, expectField, expectKeyArn, expectLength } from '../expect.js';
import { quickestPair } from '../operations.js';
import { lendBytes, lendContext } from './lent.js';
import { pickOpening } from './openings.js';
import type { AnyResult, Content, World, WorldKey } from './world.js';

/** A call with random input, and a check of its result. */
type RandomCall = (world: World) => Promise<void>;

/** Sizes where implementations differ. */
const EDGES = [
  1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 511, 512, 1023, 1024,
];

/** Returns a size from 1 to a maximum: mostly short ones and edges. */
function pickSize({ dice }: World, maximum: number): number {
  const kind = dice.below(8);
  const size =
    kind < 3
      ? 32
      : kind < 6
        ? dice.pick(EDGES)
        : kind < 7
          ? maximum - dice.below(3)
          : 1 + dice.below(maximum);
  return Math.max(1, Math.min(size, maximum));
}

/** Lends a context under the name of its field, unless it is the empty one. */
function contextField(world: World, context: EncryptionContext | undefined) {
  const lent = lendContext(world.dice, context);
  return { lent, field: lent.value === undefined ? {} : { encryptionContext: lent.value } };
}

export const encrypt: RandomCall = async (world) => {
  const { dice } = world;
  const key = dice.pick(world.keys);
  const plaintext = world.context.secret(pickSize(world, world.longest(key)));
  // What is lost at either end shows.
  if (dice.once(6)) plaintext.fill(dice.pick([0, 0xff]), 0, dice.below(3));
  if (dice.once(6)) plaintext.fill(dice.pick([0, 1, 0x0a, 0x80]), -1);
  const encryptionContext = world.pickContext(key);
  const lent = lendBytes(dice, plaintext);
  const bound = contextField(world, encryptionContext);
  const input = { ...world.target(key, world.nameOf(key)), plaintext: lent.value, ...bound.field };
  const codes = world.forbids(key);
  const result = await world.call('encrypt', input, codes, [lent, bound.lent]);
  if (result === undefined) return;
  expectKeyArn(result.keyId, key.keyId);
  expectField(result.algorithm, key.algorithm, 'algorithm');
  world.expectVersion(key, key.epoch, result.keyVersion);
  const content = { plaintext, length: plaintext.length };
  world.addMade(key, result.ciphertext as Uint8Array, { encryptionContext, content });
  world.handOver(result, ['ciphertext']);
};

const decrypt: RandomCall = async (world) => {
  if (world.made.length === 0) return encrypt(world);
  const { dice } = world;
  const made = dice.pick(world.made);
  const { key } = made;
  const opening = pickOpening(world, made);
  const lent = lendBytes(dice, opening.ciphertext);
  const bound = contextField(world, opening.encryptionContext);
  const name = opening.named && world.nameOf(opening.named);
  const input = { ...world.target(key, name), ciphertext: lent.value, ...bound.field };
  const operation = key.kind === 'RSA_2048' ? 'decryptAsymmetric' : 'decrypt';
  const result = await world.call(operation, input, opening.codes, [lent, bound.lent]);
  if (result === undefined) return;
  expectKeyArn(result.keyId, key.keyId);
  expectField(result.algorithm, key.algorithm, 'algorithm');
  world.expectVersion(key, made.epoch, result.keyVersion);
  const plaintext = result.plaintext as Uint8Array;
  const { content } = made;
  if (content.plaintext !== undefined) expectBytes(plaintext, content.plaintext, 'the plaintext');
  else learn(world, content, plaintext);
  world.handOver(result, ['plaintext']);
};

/** Takes over the plaintext of a data key that was made without it. */
function learn(world: World, content: Content, plaintext: Uint8Array): void {
  expectLength(plaintext, content.length, 'a data key');
  content.plaintext = plaintext.slice();
  world.expectFresh(plaintext);
}

const reEncrypt: RandomCall = async (world) => {
  if (world.made.length === 0) return encrypt(world);
  const { dice } = world;
  const made = dice.pick(world.made);
  const to = dice.pick(world.keys);
  // It is not documented which comes first, the length or the state of the source.
  if (made.content.length > world.longest(to)) return decrypt(world);
  const opening = pickOpening(world, made);
  const encryptionContext = world.pickContext(to);
  const lent = lendBytes(dice, opening.ciphertext);
  const [from, into] = [
    contextField(world, opening.encryptionContext),
    contextField(world, encryptionContext),
  ];
  const name = opening.named && world.nameOf(opening.named);
  const input = {
    ciphertext: lent.value,
    source: { ...world.target(made.key, name), ...from.field },
    destination: { ...world.target(to, world.nameOf(to)), ...into.field },
  };
  const codes = [...opening.codes, ...world.forbids(to)];
  const result = await world.call('reEncrypt', input, codes, [lent, from.lent, into.lent]);
  if (result === undefined) return;
  expectKeyArn(result.sourceKeyId, made.key.keyId, 'sourceKeyId');
  expectKeyArn(result.destinationKeyId, to.keyId, 'destinationKeyId');
  expectField(result.sourceAlgorithm, made.key.algorithm, 'sourceAlgorithm');
  expectField(result.destinationAlgorithm, to.algorithm, 'destinationAlgorithm');
  world.expectVersion(made.key, made.epoch, result.sourceKeyVersion);
  world.expectVersion(to, to.epoch, result.destinationKeyVersion);
  const { content } = made;
  world.addMade(to, result.ciphertext as Uint8Array, { encryptionContext, content });
  world.handOver(result, ['ciphertext']);
};

/** Makes a call that generates something under a symmetric key, and checks what all of these return. */
async function generate(
  world: World,
  operation: Parameters<World['call']>[0],
  size: object,
): Promise<
  { key: WorldKey; encryptionContext: EncryptionContext | undefined; result: AnyResult } | undefined
> {
  const key = world.dice.pick(world.keys.filter(({ kind }) => kind === 'SYMMETRIC_DEFAULT'));
  const encryptionContext = world.pickContext(key);
  const bound = contextField(world, encryptionContext);
  const input = { keyId: world.nameOf(key), ...size, ...bound.field };
  const result = await world.call(operation, input, world.forbids(key), [bound.lent]);
  if (result === undefined) return undefined;
  expectKeyArn(result.keyId, key.keyId);
  world.expectVersion(key, key.epoch, result.keyVersion);
  return { key, encryptionContext, result };
}

const dataKey: RandomCall = async (world) => {
  const { dice } = world;
  const maximum = Math.min(LIMITS.dataKey, limitOf(world.capabilities, 'plaintext'));
  const spec = dice.pick(['AES_256', 'AES_128', undefined] as const);
  const numberOfBytes = pickSize(world, maximum);
  const length = spec === undefined ? numberOfBytes : spec === 'AES_256' ? 32 : 16;
  const isPlain = dice.once(2);
  const operation = isPlain ? 'generateDataKey' : 'generateDataKeyWithoutPlaintext';
  const made = await generate(
    world,
    operation,
    spec === undefined ? { numberOfBytes } : { keySpec: spec },
  );
  if (made === undefined) return;
  const { key, encryptionContext, result } = made;
  const ciphertext = result.ciphertext as Uint8Array;
  const plaintext = result.plaintext as Uint8Array | undefined;
  check(
    isPlain === (plaintext !== undefined),
    'a plaintext only where it was asked for',
    'the opposite',
  );
  if (plaintext !== undefined) {
    expectLength(plaintext, length, 'a data key');
    world.expectFresh(plaintext);
  }
  const content = { plaintext: plaintext?.slice(), length };
  world.addMade(key, ciphertext, { encryptionContext, content });
  world.handOver(result, plaintext === undefined ? ['ciphertext'] : ['plaintext', 'ciphertext']);
};

const pair: RandomCall = async (world) => {
  const isPlain = world.dice.once(2);
  const keyPairSpec = quickestPair(world.context.provider);
  const operation = isPlain ? 'generateDataKeyPair' : 'generateDataKeyPairWithoutPlaintext';
  const made = await generate(world, operation, { keyPairSpec });
  if (made === undefined) return;
  const { key, encryptionContext, result } = made;
  expectField(result.keyPairSpec, keyPairSpec, 'keyPairSpec');
  const privateKey = result.privateKey as Uint8Array | undefined;
  check(
    isPlain === (privateKey !== undefined),
    'a private key only where it was asked for',
    'the opposite',
  );
  const ciphertext = result.privateKeyCiphertext as Uint8Array;
  // Its length is not known without it, and a public key says what all have in common.
  if (privateKey !== undefined) {
    const plaintext = privateKey.slice();
    const content = { plaintext, length: plaintext.length };
    world.addMade(key, ciphertext, { encryptionContext, content });
  }
  world.handOver(result, ['publicKey', 'privateKeyCiphertext', ...(isPlain ? ['privateKey'] : [])]);
};

const publicKey: RandomCall = async (world) => {
  const key = world.dice.pick(world.keys.filter(({ kind }) => kind === 'RSA_2048'));
  const input = { keyId: world.nameOf(key) };
  const result = await world.call('getPublicKey', input, world.forbids(key));
  if (result === undefined) return;
  expectKeyArn(result.keyId, key.keyId);
  expectField(result.keySpec, key.kind, 'keySpec');
  world.expectVersion(key, key.epoch, result.keyVersion);
  const bytes = result.publicKey as Uint8Array;
  const known = key.publicKeys.get(key.epoch);
  if (known !== undefined) expectBytes(bytes, known, 'the public key of this version');
  else key.publicKeys.set(key.epoch, bytes.slice());
  world.handOver(result, ['publicKey']);
};

const describeKey: RandomCall = async (world) => {
  const key = world.dice.pick(world.keys);
  // A backend may let nobody read a disabled key: an instance that was opened since knows only that.
  if (key.state === 'Disabled' && world.providers.length > 1) return encrypt(world);
  const isGone = key.state === 'Destroyed';
  const codes = isGone ? (['KEY_NOT_FOUND'] as const) : [];
  const result = await world.call('describeKey', { keyId: world.nameOf(key) }, codes);
  if (result === undefined) return;
  expectKeyArn(result.keyId, key.keyId);
  expectField(result.keySpec, key.kind, 'keySpec');
  expectField(result.keyState, key.state, 'keyState');
  if (key.state === 'Enabled') world.expectVersion(key, key.epoch, result.keyVersion);
};

/** A call that must fail, whatever the states are. */
const failing: RandomCall = async (world) => {
  const { dice } = world;
  const key = dice.pick(world.keys);
  const plaintext = world.context.secret(8);
  const missing = `alias/keywrap-no-such-alias-${dice.below(3)}`;
  const target = world.target(key, world.nameOf(key));
  switch (dice.below(4)) {
    case 0:
      await world.call('encrypt', { ...target, keyId: missing, plaintext }, ['KEY_NOT_FOUND']);
      return;
    case 1:
      await world.call('describeKey', { keyId: missing }, ['KEY_NOT_FOUND']);
      return;
    case 2: {
      const codes = ['INVALID_INPUT', ...world.forbids(key)] as const;
      await world.call('encrypt', { ...target, plaintext: new Uint8Array() }, codes);
      return;
    }
    default: {
      const codes = ['INVALID_INPUT', ...world.forbids(key)] as const;
      const long = new Uint8Array(world.longest(key) + 1).fill(7);
      await world.call('encrypt', { ...target, plaintext: long }, codes);
    }
  }
};

/** Returns the calls that a provider can be asked for, each as often as it comes. */
export function callsFor(world: World): readonly RandomCall[] {
  const { dataKeys, dataKeyAlgorithm = 'SYMMETRIC_DEFAULT', dataKeyPairSpecs } = world.capabilities;
  const has = (wanted: string) => world.keys.some(({ kind }) => kind === wanted);
  const generates = has('SYMMETRIC_DEFAULT') && !isAsymmetricAlgorithm(dataKeyAlgorithm);
  const hasPairs = generates && dataKeyPairSpecs.some((spec) => spec.startsWith('ECC_'));
  const times = (count: number, call: RandomCall) => new Array<RandomCall>(count).fill(call);
  return [
    ...times(8, encrypt),
    ...times(12, decrypt),
    ...times(6, reEncrypt),
    ...times(dataKeys && generates ? 6 : 0, dataKey),
    ...times(hasPairs ? 1 : 0, pair),
    ...times(has('RSA_2048') ? 2 : 0, publicKey),
    ...times(2, describeKey),
    ...times(2, failing),
  ];
}
