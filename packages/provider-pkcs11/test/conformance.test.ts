import { describeConformance } from '@keywrap/testkit';
import { pkcs11Harness } from './harness.js';
import { MISSING, newToken } from './test-token.js';

if (MISSING === undefined) {
  const token = await newToken('conformance');
  after(() => token.close());
  // `npm run conformance:matrix -- --whole` runs the rest on SoftHSM.
  const profile = process.env.KEYWRAP_TEST_PKCS11_MODULE === undefined ? 'quick' : 'full';
  const { manufacturerID } = token.library.calls.C_GetTokenInfo(token.slot);
  const name = `Pkcs11KeyWrapProvider on ${manufacturerID.trim()}`;
  await describeConformance(pkcs11Harness(name, token), undefined, { profile });
} else {
  describe.skip(`Pkcs11KeyWrapProvider conforms - not run: ${MISSING}`, () => it('needs a token'));
}
