import { keysOf } from '#dist/index.js';
import { Managed } from '../managed.js';

export const harness = {
  name: 'that exits',
  async open() {
    const provider = new Managed();
    provider.encrypt = () => process.exit(0);
    return { provider, keys: keysOf(provider) };
  },
};
