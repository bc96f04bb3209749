import { ownDriverOf } from '../calls/driver-provider.js';
import { completeDriver } from '../driver/complete-driver.js';
import type { CompleteDriver, KeyWrapDriver } from '../driver/driver.js';
import type {
  Call,
  DataKeyPairRequest,
  DataKeyRequest,
  Source,
  Target,
} from '../driver/requests.js';
import { assertProvider } from '../provider/assert-provider.js';
import { isAsymmetricAlgorithm } from '../provider/key-spec.js';
import type {
  AsymmetricTarget,
  CallOptions,
  GenerateDataKeyInput,
  GenerateDataKeyPairInput,
  KeyWrapProvider,
  SymmetricTarget,
} from '../provider/provider.js';

/**
 * Returns the driver of a provider, for a layer. A provider that was not built from a driver, or has stubs or
 * overridden methods, is adapted: its public methods are called, so that nothing is bypassed.
 *
 * @throws {@link InvalidInputError} when the value is not a provider.
 */
export function driverOf(provider: KeyWrapProvider): CompleteDriver {
  assertProvider(provider, 'provider');
  return ownDriverOf(provider) ?? completeDriver(adapt(provider));
}

function adapt(provider: KeyWrapProvider): KeyWrapDriver {
  return {
    id: provider.id,
    capabilities: provider.capabilities,
    encrypt: (request, call) =>
      provider.encrypt({ plaintext: request.plaintext, ...sideOf(request) }, optionsOf(call)),
    decrypt: (request, call) => {
      const input = { ciphertext: request.ciphertext, ...sideOf(request) };
      return isAsymmetricAlgorithm(request.algorithm)
        ? provider.decryptAsymmetric(input as typeof input & AsymmetricTarget, optionsOf(call))
        : provider.decrypt(input, optionsOf(call));
    },
    reEncrypt: ({ ciphertext, source, destination }, call) =>
      provider.reEncrypt(
        { ciphertext, source: sideOf(source), destination: sideOf(destination) },
        optionsOf(call),
      ),
    generateDataKey: (request, call) =>
      provider.generateDataKey(dataKeyOf(request), optionsOf(call)),
    generateDataKeyWithoutPlaintext: (request, call) =>
      provider.generateDataKeyWithoutPlaintext(dataKeyOf(request), optionsOf(call)),
    generateDataKeyPair: (request, call) =>
      provider.generateDataKeyPair(pairOf(request), optionsOf(call)),
    generateDataKeyPairWithoutPlaintext: (request, call) =>
      provider.generateDataKeyPairWithoutPlaintext(pairOf(request), optionsOf(call)),
    getPublicKey: ({ key }, call) => provider.getPublicKey({ keyId: key.text }, optionsOf(call)),
    describeKey: ({ key }, call) => provider.describeKey({ keyId: key.text }, optionsOf(call)),
    close: () => provider.close(),
  };
}

// Omits the fields that the caller omitted: the provider may not know them, and parses the input again.

function sideOf({ key, algorithm, encryptionContext }: Source): SymmetricTarget {
  const side = {
    ...(key !== undefined && { keyId: key.text }),
    ...(algorithm !== 'SYMMETRIC_DEFAULT' && { algorithm }),
    ...(Object.keys(encryptionContext).length > 0 && { encryptionContext }),
  };
  return side as object as SymmetricTarget;
}

function dataKeyOf(request: DataKeyRequest): GenerateDataKeyInput {
  return { numberOfBytes: request.numberOfBytes, ...wrappingOf(request) };
}

function pairOf(request: DataKeyPairRequest): GenerateDataKeyPairInput {
  return { keyPairSpec: request.keyPairSpec, ...wrappingOf(request) };
}

/** The provider chooses the algorithm that wraps data keys. */
function wrappingOf({ algorithm: _, ...target }: Target): SymmetricTarget {
  return sideOf({ ...target, algorithm: 'SYMMETRIC_DEFAULT' });
}

function optionsOf(call: Call): CallOptions | undefined {
  const given = Object.entries(call).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}
