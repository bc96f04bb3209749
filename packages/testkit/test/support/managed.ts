import {
  DriverProvider,
  type KeyInput,
  type KeyRequest,
  parseKeyInput,
  readFields,
} from '@keywrap/core';
import type { ConformanceKeyRequest } from '#dist/index.js';
import { ReferenceDriver } from './reference.js';

type Keys = {
  createKey(request: ConformanceKeyRequest): Promise<{ readonly keyId: string }>;
  disableKey(request: KeyRequest): Promise<void>;
};

/** A provider over the reference driver with some methods of a `KeyManager`, as the command finds them. */
export class Managed extends DriverProvider<Keys> {
  constructor() {
    const driver = new ReferenceDriver();
    const keys: Keys = {
      createKey: (request) => driver.create(request),
      disableKey: ({ key }) => driver.disable(key.text),
    };
    super(Object.assign(driver, { keys }));
  }

  createKey(input: Partial<ConformanceKeyRequest> = {}): Promise<{ readonly keyId: string }> {
    return this.run(
      {
        name: 'createKey',
        parse(value) {
          const fields = readFields(value, 'input', ['keySpec', 'keyUsage', 'origin']);
          const given = fields as Partial<ConformanceKeyRequest>;
          const { keySpec = 'SYMMETRIC_DEFAULT', keyUsage = 'ENCRYPT_DECRYPT', origin } = given;
          return { keySpec, keyUsage, origin };
        },
        functionOf: ({ keys }) => keys.createKey,
      },
      input,
    );
  }

  disableKey(input: KeyInput): Promise<void> {
    return this.run(
      {
        name: 'disableKey',
        parse: parseKeyInput,
        functionOf: ({ keys }) => keys.disableKey,
      },
      input,
    );
  }
}
