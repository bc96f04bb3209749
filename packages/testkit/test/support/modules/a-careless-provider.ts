import { wrapped } from '../reference.js';

/** It starts work that nobody waits for. */
const careless = wrapped('careless', '', (inner) => ({
  encrypt: (input, options) => {
    void Promise.reject(new Error('the audit log is not there'));
    return inner.encrypt(input, options);
  },
}));

export default { name: 'careless', open: async () => careless.open() };
