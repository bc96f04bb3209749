// Values that plain JavaScript may pass, because it has no types. Each has a name for the message.

/** A description, and a value that must be rejected. */
export type BadValue = readonly [what: string, value: unknown];

/** Invalid bytes. */
export function badBytes(): BadValue[] {
  return [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'bytes that are a string'],
    ['a number', 32],
    ['an array of numbers', [1, 2, 3]],
    ['an ArrayBuffer', new ArrayBuffer(32)],
    ['a DataView', new DataView(new ArrayBuffer(32))],
    ['a Uint16Array', new Uint16Array(16)],
    ['an object that imitates bytes', { length: 1, 0: 1, byteLength: 1 }],
    ['an object with a forged prototype', Object.create(Uint8Array.prototype)],
  ];
}

/** Makes detached bytes: their memory was transferred to another thread. */
export function detachedBytes(): Uint8Array {
  const bytes = new Uint8Array(32).fill(1);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/** Makes bytes that another thread may change while they are read. */
export function sharedBytes(): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(32)).fill(1);
}

/** Invalid types of key identifiers. */
export const BAD_KEY_ID_TYPES: readonly BadValue[] = [
  ['null', null],
  ['a number', 7],
  ['an object', {}],
  ['an array', ['alias/a']],
  ['a String object', new String('alias/a')],
];

/** Malformed key identifiers. */
export const BAD_KEY_IDS: readonly BadValue[] = [
  ['an empty string', ''],
  ['2049 characters', 'a'.repeat(2049)],
  ['a blank in it', 'alias/my orders'],
  ['a line break in it', 'my-key\n'],
  ['an unpaired surrogate', 'key\ud800'],
  ['an alias without a name', 'alias/'],
  ['an alias with a letter that is not allowed', 'alias/orders!'],
  ['the ARN of another service', 'arn:aws:s3:eu-west-1:111122223333:key/1234'],
  ['an ARN without a resource', 'arn:aws:kms:eu-west-1:111122223333'],
  ['an ARN of no key', 'arn:aws:kms:eu-west-1:111122223333:grant/1234'],
];

/** Invalid algorithms. */
export const BAD_ALGORITHMS: readonly BadValue[] = [
  ['null', null],
  ['a number', 1],
  ['an unknown name', 'RSAES_OAEP_SHA3_512'],
  ['lower case', 'symmetric_default'],
  ['an inherited name', 'constructor'],
];

/** Invalid types of encryption contexts. */
export const BAD_CONTEXTS: readonly BadValue[] = [
  ['null', null],
  ['a string', 'tenant=a'],
  ['an array', ['tenant', 'a']],
  ['a Map', new Map([['tenant', 'a']])],
  ['a Date', new Date(0)],
  ['an object that inherits its pairs', Object.create({ tenant: 'a' })],
];

/** Invalid pairs of encryption contexts. */
export const BAD_CONTEXT_PAIRS: readonly BadValue[] = [
  ['a number as a value', { tenant: 1 }],
  ['null as a value', { tenant: null }],
  ['undefined as a value', { tenant: undefined }],
  ['an object as a value', { tenant: { toString: () => 'a' } }],
  ['a symbol as a key', { [Symbol('tenant')]: 'a' }],
];

/** Text that UTF-8 can't encode. */
export const SURROGATE_CONTEXTS: readonly BadValue[] = [
  ['an unpaired surrogate in a value', { tenant: 'a\ud800' }],
  ['an unpaired surrogate in a key', { 'tenant\udc00': 'a' }],
];

/** A key that JavaScript code may lose: the ciphertext would be bound to less than the caller expects. */
export const PROTO_CONTEXTS: readonly BadValue[] = [
  ['the key __proto__', JSON.parse('{"__proto__":"a"}')],
  ['the key __proto__ among others', JSON.parse('{"tenant":"a","__proto__":"b"}')],
];

/** Makes a context of this serialised length: 2 bytes for the count, 4 for the lengths of its pair. */
export function contextOf(bytes: number): Record<string, string> {
  return { k: 'v'.repeat(bytes - 7) };
}

/** Does the same with characters of three bytes each, where they fit. */
export function wideContextOf(bytes: number): Record<string, string> {
  const length = bytes - 7;
  return { k: '\u20ac'.repeat(Math.floor(length / 3)) + 'v'.repeat(length % 3) };
}

/** Has more pairs than can be serialised. */
export function tooManyPairs(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, 'value']));
}
