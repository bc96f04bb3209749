import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { killPostgres, killWorkers } from '#dist/kills/kill.js';
import { newReport } from '#dist/kills/report.js';
import { StoreUnderTest } from '#dist/kills/store-under-test.js';
import {
  missingPostgres,
  PostgresServer,
} from '../../../packages/provider-local/dist-test/store/postgres-server.js';

// npm run test:crash does this 200 times and more on each database, on a full and on a read-only disk too.
describe('a key store whose processes are killed', function () {
  this.timeout(300_000);

  describe('in SQLite', () => {
    let folder = '';
    before(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'keywrap-crash-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    for (const [workers, kills] of [
      [1, 3],
      [4, 8],
    ] as const) {
      it(`loses nothing that it acknowledged, with ${workers} at work`, async () => {
        const report = newReport();
        const store = new StoreUnderTest(path.join(folder, `${workers}.db`));
        await killWorkers(report, store, { kills, workers });
        store.close(report);
        expect(report).to.deep.include({ kills, lost: [] });
      });
    }
  });

  describe('in PostgreSQL', () => {
    let server: PostgresServer;
    before(async function () {
      const missing = missingPostgres();
      if (missing !== undefined) {
        console.warn(`      not tested: ${missing}`);
        this.skip();
      }
      server = await PostgresServer.start();
    });
    after(() => server?.stop());

    it('loses nothing that it acknowledged, with 4 at work', async () => {
      const report = newReport();
      const store = new StoreUnderTest(await server.newUrl(), () => server.settle());
      await killWorkers(report, store, { kills: 8, workers: 4 });
      store.close(report);
      expect(report).to.deep.include({ kills: 8, lost: [] });
    });

    it('loses nothing when PostgreSQL is killed, and works on when it is back', async () => {
      const report = newReport();
      const store = new StoreUnderTest(await server.newUrl(), () => server.settle());
      await killPostgres(report, store, server, { kills: 1, workers: 2 });
      store.close(report);
      expect(report).to.deep.include({ kills: 3, lost: [] });
      expect(report.held.keys).to.be.greaterThan(0);
    });
  });
});
