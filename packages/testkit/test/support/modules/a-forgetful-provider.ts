import { wrapped } from '../reference.js';

const forgetful = wrapped('forgetful', '', (inner) => ({
  encrypt: (input, options) => inner.encrypt({ ...input, encryptionContext: undefined }, options),
  decrypt: (input, options) => inner.decrypt({ ...input, encryptionContext: undefined }, options),
}));

export default { name: 'forgetful <&>', open: () => forgetful.open() };
