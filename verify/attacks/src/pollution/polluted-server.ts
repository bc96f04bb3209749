import { pollute, pollutions } from './pollutions.js';
import { startServer, WRONG_KEY } from './subjects.js';

// A KMS server whose process is polluted with whatever name its parent sends, until it sends nothing.

const values = pollutions(WRONG_KEY, 'http://127.0.0.1:9');
const server = await startServer();
let clean = () => {};
process.on('message', (name: string) => {
  clean();
  clean = name === '' ? () => {} : pollute(name, values[name]);
  process.send?.('done');
});
process.send?.(server.url);
