import { readFile, writeFile } from 'node:fs/promises';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { expect } from 'chai';
import { manifestFile, openStore, PASSPHRASE, rejection, useFolder } from './support.js';

// That the sealed part is damaged is openly said, but only to who has the passphrase: the wrapped key of
// the store has opened by then, and its own tag says that it is genuine.
describe('A key store that is opened with a wrong passphrase, or whose wrapped key was changed', () => {
  const folder = useFolder();
  const refusal = async (passphrase: string) => {
    const { name, code, message, cause } = await rejection(
      FileKeyStore.open({ folder: folder.path, protectedBy: { passphrase } }),
    );
    return { name, code, message, cause };
  };

  it('says the same of both, and of both at once', async () => {
    await (await openStore(folder.path)).close();
    const path = await manifestFile(folder.path);
    const genuine = await readFile(path);
    const wrong = await refusal('not it');
    expect(wrong.code).to.equal('ACCESS_DENIED');
    const head = genuine.toString('latin1');
    for (const field of ['"wrapped":"', '"salt":"', '"storeId":"']) {
      const at = head.indexOf(field) + field.length;
      for (const offset of field === '"wrapped":"' ? [0, 20, 40, 70, 90] : [0, 5]) {
        const changed = Buffer.from(genuine);
        changed[at + offset] = changed[at + offset] === 0x61 ? 0x62 : 0x61;
        await writeFile(path, changed);
        expect(await refusal(PASSPHRASE), field).to.deep.equal(wrong);
        expect(await refusal('not it'), field).to.deep.equal(wrong);
      }
    }
  });

  it('tells somebody without the passphrase nothing of damage behind it', async () => {
    await (await openStore(folder.path)).close();
    const path = await manifestFile(folder.path);
    const genuine = await readFile(path);
    const wrong = await refusal('not it');
    const changed = Buffer.from(genuine);
    changed[genuine.length - 1] = (genuine[genuine.length - 1] as number) ^ 1;
    await writeFile(path, changed);
    expect(await refusal('not it')).to.deep.equal(wrong);
    expect((await refusal(PASSPHRASE)).name).to.equal('DamagedStoreError');
  });
});
