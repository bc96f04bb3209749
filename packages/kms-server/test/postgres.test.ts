import { expect } from 'chai';
import {
  missingPostgres,
  PostgresServer,
} from '../../provider-local/dist-test/store/postgres-server.js';
import { bytes, newKey, openStore, rejection, start } from './support.js';

const missing = missingPostgres();

describe('Two servers with one store in PostgreSQL', function () {
  this.timeout(300_000);
  let postgres: PostgresServer;
  before(async function () {
    if (missing !== undefined) {
      console.warn(`      not tested: ${missing}`);
      this.skip();
    }
    postgres = await PostgresServer.start();
  });
  after(() => postgres?.stop());

  it('serve the same keys, lose no change, and find everything after a restart', async () => {
    const url = await postgres.newUrl();
    const store = () => openStore(url);
    let ciphertext: Uint8Array | undefined;
    {
      await using one = await start({ store });
      await using other = await start({ store });
      const KeyId = await newKey(one.kms);
      await other.kms.createAlias({ AliasName: 'alias/orders', TargetKeyId: KeyId });
      const servers = [one, other];
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          servers[index % 2]?.kms.tagResource({
            KeyId,
            Tags: [{ TagKey: `${index}`, TagValue: '' }],
          }),
        ),
      );
      const taken = one.kms.createAlias({ AliasName: 'alias/orders', TargetKeyId: KeyId });
      expect(await rejection(taken)).to.match(/^AlreadyExistsException/);
      const sealed = await other.kms.encrypt({ KeyId: 'alias/orders', Plaintext: bytes('x') });
      ciphertext = sealed.CiphertextBlob;
    }
    await using again = await start({ store });
    const opened = await again.kms.decrypt({ CiphertextBlob: ciphertext });
    expect(opened.Plaintext).to.deep.equal(bytes('x'));
    const { Tags } = await again.kms.listResourceTags({ KeyId: opened.KeyId });
    expect(Tags).to.have.length(20);
  });
});
