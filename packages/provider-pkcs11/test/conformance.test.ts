import { describeConformance } from '@keywrap/testkit';
import { pkcs11Harness } from './harness.js';
import { MISSING, newToken } from './softhsm.js';

if (MISSING === undefined) {
  const token = await newToken('conformance');
  after(() => token.close());
  // `npm run conformance:matrix` runs the rest.
  await describeConformance(pkcs11Harness('Pkcs11KeyWrapProvider', token), undefined, {
    profile: 'quick',
  });
} else {
  describe.skip(`Pkcs11KeyWrapProvider conforms - not run: ${MISSING}`, () => it('needs a token'));
}
