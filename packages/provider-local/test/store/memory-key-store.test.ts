import { MemoryKeyStore } from '@keywrap/provider-local';
import { describeKeyStore } from './contract.js';

describe('MemoryKeyStore', () => {
  let store: MemoryKeyStore;
  beforeEach(() => {
    store = new MemoryKeyStore();
  });
  describeKeyStore('in memory', async () => store);
});
