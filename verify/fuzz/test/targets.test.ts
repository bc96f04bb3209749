import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { inputs } from '#dist/mutation.js';
import type { OpenTarget } from '#dist/target.js';
import { targets } from '#dist/targets.js';

// The short run, of the same inputs each time; `npm run fuzz` is the long one, and README.md says what holds for each target.

/** The inputs of slow targets: those that use the network, write files, or derive keys. */
const RUNS: Readonly<Record<string, number>> = {
  'kms-request': 25,
  'kms-http': 40,
  'key-files': 150,
  'first-format': 100,
};
const USUAL_RUNS = 200;
const REGRESSIONS = new URL('../regressions/', import.meta.url);

for (const target of targets) {
  describe(`Fuzzing ${target.name}`, () => {
    let folder = '';
    let open: OpenTarget;
    before(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'keywrap-fuzz-'));
      open = await target.open(folder);
    });
    after(async () => {
      await open.close?.();
      rmSync(folder, { recursive: true, force: true });
    });

    it('stands up to its seeds', async () => {
      for (const seed of open.seeds) await open.run(seed);
    });

    const found = new URL(`${target.name}/`, REGRESSIONS);
    for (const name of existsSync(found) ? readdirSync(found) : []) {
      it(`stands up to what was found: ${name}`, async () => {
        await open.run(new Uint8Array(readFileSync(new URL(name, found))));
      });
    }

    it('stands up to inputs that are nearly valid', async () => {
      const property = fc.asyncProperty(
        inputs(open.seeds, target.words, target.mutation),
        async (input) => {
          await open.run(input);
        },
      );
      await fc.assert(property, { seed: 1, numRuns: RUNS[target.name] ?? USUAL_RUNS });
    });
  });
}
