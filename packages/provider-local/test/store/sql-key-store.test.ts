import { describeKeyStore } from './contract.js';
import { useStoreFile } from './support.js';

describe('SqlKeyStore', () => {
  const file = useStoreFile();
  describeKeyStore('on SQLite', () => file.open());
});
