import { keysOf } from '#dist/index.js';
import { Managed } from '../managed.js';

export const harness = {
  name: 'by harness',
  async open() {
    const provider = new Managed();
    return { provider, keys: keysOf(provider) };
  },
};
