import { newSecret, wipe } from '../provider/bytes.js';
import { InvalidInputError, UnsupportedOperationError } from '../provider/errors.js';
import { longestPlaintext } from '../provider/limits.js';
import type { CompleteDriver, DriverFunctions } from './driver.js';

/** The driver that lacks a function. */
export type DriverInside = DriverFunctions & Pick<CompleteDriver, 'capabilities'>;

/** Implements, in this process, the functions that a driver left out. */
export const IN_THIS_PROCESS: {
  readonly [Name in Exclude<keyof DriverFunctions, 'encrypt' | 'decrypt' | 'describeKey'>]: (
    driver: DriverInside,
    ...args: Parameters<DriverFunctions[Name]>
  ) => ReturnType<DriverFunctions[Name]>;
} = {
  async reEncrypt(driver, { ciphertext, source, destination }, call) {
    // Field by field, as everywhere on the path of every call: a spread takes as long as all checks together.
    const { key, algorithm, encryptionContext } = source;
    const opened = await driver.decrypt({ key, algorithm, encryptionContext, ciphertext }, call);
    const { plaintext } = opened;
    try {
      const maximum = longestPlaintext(destination.algorithm, driver.capabilities);
      if (plaintext.length === 0 || plaintext.length > maximum) {
        throw new InvalidInputError(
          'ciphertext',
          `holds more or less plaintext than ${destination.algorithm} can encrypt: 1 to ${maximum} bytes`,
        );
      }
      const { key, algorithm, encryptionContext } = destination;
      const sealed = await driver.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
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

  async generateDataKey(driver, { key, algorithm, encryptionContext, numberOfBytes }, call) {
    const plaintext = crypto.getRandomValues(newSecret(numberOfBytes));
    try {
      const sealed = await driver.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
      const { ciphertext, keyId, keyVersion } = sealed;
      return { plaintext, ciphertext, keyId, keyVersion };
    } catch (error) {
      wipe(plaintext);
      throw error;
    }
  },

  async generateDataKeyWithoutPlaintext(driver, request, call) {
    const { plaintext, ...wrapped } = await driver.generateDataKey(request, call);
    wipe(plaintext);
    return wrapped;
  },

  generateDataKeyPair() {
    throw new UnsupportedOperationError('this provider does not generate data key pairs');
  },

  async generateDataKeyPairWithoutPlaintext(driver, request, call) {
    const { privateKey, ...wrapped } = await driver.generateDataKeyPair(request, call);
    wipe(privateKey);
    return wrapped;
  },

  getPublicKey() {
    throw new UnsupportedOperationError('this provider has no asymmetric keys');
  },
};
