import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { publishedPackages } from './dependencies.js';
import { npmLock } from './npm-lock.js';
import { billOf, validate } from './sbom.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('npm run sbom', () => {
  it('names a package, all that it brings along with checksums, and no folder of this machine', async () => {
    const local = publishedPackages(ROOT).find(({ name }) => name === '@keywrap/provider-local');
    const bill = await billOf(local);
    expect(await validate(bill)).to.equal(undefined);
    for (const place of ['file:', ROOT, tmpdir()]) expect(bill).not.to.contain(place);

    const { metadata, components } = JSON.parse(bill);
    expect(metadata.component.name).to.equal('@keywrap/provider-local');
    expect(components.map(({ name }) => name)).to.have.members([
      ...['@keywrap/core', '@noble/curves', '@noble/hashes', 'lru-cache', 'node-forge'],
    ]);
    for (const { name, hashes = [] } of components) {
      expect(hashes, name).to.have.lengthOf(name.startsWith('@keywrap/') ? 0 : 1);
    }
  });

  it('is checked by the schema of CycloneDX', async () => {
    const bill = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components: [{}] };
    expect(await validate(JSON.stringify(bill))).to.match(/required/);
    expect(await validate('{"specVersion":"0"}')).to.equal('no version of CycloneDX: 0');
  });
});

describe('a lockfile of npm', () => {
  it('has two versions of one package side by side, each where it is needed', () => {
    const node = (name, version, ...edges) => ({
      ...{ name, version, licence: 'MIT', integrity: undefined },
      edges: edges.map((target) => ({ name: target.name, range: target.version, target })),
    });
    const [first, second] = [node('twice', '1.0.0'), node('twice', '2.0.0')];
    const below = node('@scope/below', '1.0.0', second);
    const { lock } = npmLock(node('top', '1.0.0', first, below, node('beside', '1.0.0', first)));
    const versions = Object.entries(lock.packages).map(([where, { version }]) => [where, version]);
    expect(Object.fromEntries(versions)).to.deep.equal({
      '': '1.0.0',
      'node_modules/twice': '1.0.0',
      'node_modules/@scope/below': '1.0.0',
      'node_modules/@scope/below/node_modules/twice': '2.0.0',
      'node_modules/beside': '1.0.0',
    });
  });
});
