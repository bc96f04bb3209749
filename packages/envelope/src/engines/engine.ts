import type { AlgorithmSuite, Curve } from '../format/algorithm-suite.js';

/** A value, or a promise of it: node:crypto answers at once, Web Crypto later. */
export type Awaitable<T> = T | Promise<T>;

/** The AES-GCM key of one message. */
export interface MessageKey {
  /**
   * Encrypts and authenticates.
   *
   * @param target Receives the ciphertext, as long as the plaintext, and the 16-byte tag after it.
   */
  seal(iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, target: Uint8Array): Awaitable<void>;

  /**
   * Authenticates and decrypts.
   *
   * @param sealed The ciphertext and its tag.
   * @returns The plaintext, in memory of its own; undefined if anything was changed.
   */
  open(iv: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Awaitable<Uint8Array | undefined>;

  /** Ends the use of the key, and wipes it where that is possible. */
  wipe(): void;
}

/** The keys that are derived from a data key. */
export interface DerivedKeys {
  readonly key: MessageKey;
  /** 32 bytes; undefined for a suite that does not commit. */
  readonly commitKey: Uint8Array | undefined;
}

/** Signs a message; the parts are in the order of the message. */
export interface Signer {
  /** The public key: a compressed point (SEC 1 §2.3.3). */
  readonly publicKey: Uint8Array;
  update(part: Uint8Array): void;
  /** Returns the signature: the DER of `ECDSA-Sig-Value` (SEC 1 §C.5). */
  sign(): Uint8Array;
}

/** Verifies a message; the parts are in the order of the message. */
export interface Verifier {
  update(part: Uint8Array): void;
  verify(signature: Uint8Array): boolean;
}

/** The cryptography of a message. Each engine opens what the other seals. */
export interface Engine {
  /**
   * Derives the keys of a message
   * ([HKDF](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/transitive-requirements.md#hkdf-encryption-key)).
   *
   * @param dataKey As long as the suite says. The caller wipes it.
   */
  deriveKeys(
    suite: AlgorithmSuite,
    dataKey: Uint8Array,
    messageId: Uint8Array,
  ): Awaitable<DerivedKeys>;

  /** Makes a key pair for one message. */
  createSigner(curve: Curve): Awaitable<Signer>;

  /** @returns Undefined if the bytes are not a point of the curve. */
  createVerifier(curve: Curve, publicKey: Uint8Array): Awaitable<Verifier | undefined>;

  /** Compares in constant time. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean;

  /** Returns the SHA-256 of a data key, which is random: nobody finds it by its hash. */
  hash(dataKey: Uint8Array): Awaitable<Uint8Array>;
}
