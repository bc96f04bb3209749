import { describeConformance } from '@keywrap/testkit';
import { vaultHarness } from './harness.js';
import { MISSING, startVault } from './openbao.js';

if (MISSING === undefined) {
  const vault = await startVault();
  after(() => vault.close());
  // `npm run conformance:matrix` runs the rest.
  await describeConformance(vaultHarness('VaultKeyWrapProvider', vault), undefined, {
    profile: 'quick',
  });
  // Its keys bind the context twice.
  await describeConformance(
    vaultHarness('VaultKeyWrapProvider with derived keys', vault, { derived: true }),
    undefined,
    { only: ['CTX', 'ENC', 'REC', 'REE', 'ROT'], profile: 'quick' },
  );
} else {
  describe.skip(`VaultKeyWrapProvider conforms - not run: ${MISSING}`, () => it('needs a server'));
}
