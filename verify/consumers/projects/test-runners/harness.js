import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { keysOf } from '@keywrap/testkit';

/** @type {import('@keywrap/testkit').ConformanceHarness} */
export const harness = {
  name: 'LocalKeyWrapProvider',
  async open() {
    const provider = new LocalKeyWrapProvider();
    return { provider, keys: keysOf(provider) };
  },
};

/** Some of the rules, so that the examples are quick. Leave `only` out to be judged by all. */
export const options = { only: ['ENC-', 'DEC-', 'CTX-', 'ABO-', 'ROT-', 'MEM-'] };
