import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { readJson } from '#dist/read-json.js';

describe('A JSON file of an option', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-'));
  });
  after(() => rm(folder, { recursive: true }));

  const read = async (contents: string | Uint8Array) => {
    const file = path.join(folder, 'keys.json');
    await writeFile(file, contents);
    return readJson(file, '--seed');
  };
  const problem = async (contents: string | Uint8Array) => {
    const error = await read(contents).then(
      () => undefined,
      (reason) => reason as Error,
    );
    return error?.message.replace(/^--seed \S+ /, '');
  };

  it('may begin with a byte order mark', async () => {
    expect(await read('\ufeff[{ "alias": "alias/orders" }]')).to.deep.equal([
      { alias: 'alias/orders' },
    ]);
  });

  const wrong: [string, string, number, number][] = [
    ['nothing', '', 1, 1],
    ['white space alone', '\n  ', 2, 3],
    ['a word that is not of JSON', '[undefined]', 1, 2],
    ['a comment', '[\n  // keys\n  {}\n]', 2, 3],
    ['a comma before the end of a list', '[\n  {},\n]', 3, 1],
    ['a comma before the end of an object', '[{ "alias": "a", }]', 1, 18],
    ['a missing comma', '[\n  { "keyId": "a"\n    "alias": "b" }\n]', 3, 5],
    ['a missing colon', '[{ "alias" "a" }]', 1, 12],
    ['a name without quotes', '[{ alias: "a" }]', 1, 4],
    ['single quotes', "[{ 'alias': 'a' }]", 1, 4],
    ['a bracket that is not closed', '[{ "alias": "a" }', 1, 18],
    ['a bracket that closes another', '[{ "alias": "a" ]', 1, 17],
    ['a line break in a string', '[{\r\n "alias": "a\nb" }]', 2, 11],
    ['an escape that is not of JSON', '["\\x41"]', 1, 2],
    ['a number with a leading zero', '[012]', 1, 2],
    ['more after the end', '[]\n[]', 2, 1],
  ];
  for (const [what, contents, line, column] of wrong) {
    it(`is not JSON with ${what}, at line ${line}, column ${column}`, async () => {
      expect(await problem(contents)).to.equal(`is not JSON: see line ${line}, column ${column}`);
    });
  }

  it('is not UTF-8 when PowerShell wrote it in UTF-16', async () => {
    expect(await problem(Buffer.from('\ufeff[]', 'utf16le'))).to.equal('is not UTF-8');
  });

  it('of any damage is told from JSON, with a place in the file', async () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]:,"\\x1- '))
      .map(([json, at, character]) => {
        const index = at % (json.length + 1);
        return json.slice(0, index) + character + json.slice(index);
      });
    for (const text of fc.sample(damaged, { seed: 20300103, numRuns: 300 })) {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      const place = (await problem(text))?.match(/^is not JSON: see line (\d+), column (\d+)$/);
      expect(place === undefined, JSON.stringify(text)).to.equal(isJson);
      if (place === undefined) continue;
      const [, line, column] = (place ?? []).map(Number) as [number, number, number];
      expect(column - 1).to.be.at.most(text.split('\n')[line - 1]?.length as number);
    }
  });

  it('that can not be read is named, with the reason', async () => {
    const missing = path.join(folder, 'missing.json');
    for (const [file, reason] of [
      [missing, 'it does not exist'],
      [folder, 'it is a folder'],
    ]) {
      const error = await readJson(file, '--seed').catch((reason) => reason as Error);
      expect((error as Error).message).to.equal(`--seed ${file} can not be read: ${reason}`);
    }
  });
});
