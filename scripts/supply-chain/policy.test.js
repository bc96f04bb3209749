import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { looseSettings, overLimit, summarise, unpinned } from './policy.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');

function dependency(name, edges = [], facts = {}) {
  return {
    ...{ name, version: '1.0.0', licence: 'MIT', hasInstallScript: false, isOurs: false, ...facts },
    edges: edges.map((target) => ({ name: target.name, range: '1.0.0', target })),
  };
}

describe('the limits on dependencies', () => {
  const shared = dependency('shared');
  const below = dependency('below', [shared], { licence: 'GPL-3.0', hasInstallScript: true });
  const ours = dependency('@keywrap/below', [dependency('theirs', [shared])], { isOurs: true });
  const rows = summarise([dependency('@keywrap/top', [ours, below, shared], { isOurs: true })]);
  const limits = (direct, all, licences = ['MIT', 'GPL-3.0']) => ({
    packages: { '@keywrap/top': { direct, all } },
    licences,
  });

  it('count what other people wrote, once each, below our own packages too', () => {
    expect(rows).to.deep.equal([
      {
        name: '@keywrap/top',
        direct: 2,
        all: 3,
        withInstallScript: ['below@1.0.0'],
        licences: ['GPL-3.0', 'MIT'],
      },
    ]);
  });

  it('reject one more than was agreed to, and an install script', () => {
    const script = '@keywrap/top: below@1.0.0 has an install script';
    expect(overLimit(rows, limits(2, 3))).to.deep.equal([script]);
    expect(overLimit(rows, limits(1, 2))).to.deep.equal([
      '@keywrap/top: 2 dependencies (direct), at most 1',
      '@keywrap/top: 3 dependencies (all), at most 2',
      script,
    ]);
  });

  it('reject a licence that is not allowed, and a package without limits', () => {
    expect(overLimit(rows, limits(2, 3, ['MIT']))).to.include(
      '@keywrap/top: the licence GPL-3.0 is not in limits.json',
    );
    expect(overLimit(rows, { packages: {}, licences: [] })).to.have.lengthOf(1);
  });
});

describe('the lockfile', () => {
  it('is from the registry alone, with checksums', () => {
    expect(unpinned(read('pnpm-lock.yaml'))).to.deep.equal([]);
  });

  const integrity = `sha512-${'A'.repeat(86)}==`;
  for (const [what, resolution] of [
    ['git', '{type: git, repo: https://example.com/a.git, commit: 0123}'],
    ['a URL', `{integrity: ${integrity}, tarball: https://example.com/a.tgz}`],
    ['a file', '{tarball: file:a.tgz}'],
    ['anywhere, without a checksum', '{}'],
    ['anywhere, with a weak checksum', '{integrity: sha1-qUiEJMRqFp9Y0s9OdJJoDi7ZQm8=}'],
  ]) {
    it(`is rejected when something comes from ${what}`, () => {
      const lockfile = `packages:\n  good@1.0.0:\n    resolution: {integrity: ${integrity}}\n  bad@1.0.0:\n    resolution: ${resolution}\n`;
      const problems = unpinned(lockfile);
      expect(problems).to.have.lengthOf(1);
      expect(problems[0]).to.match(/^bad@1\.0\.0 /);
    });
  }
});

describe('the settings of the package manager', () => {
  const [workspace, setup] = ['pnpm-workspace.yaml', 'scripts/setup.js'].map(read);

  it('let in no unreviewed code', () => {
    expect(looseSettings(workspace, setup)).to.deep.equal([]);
  });

  for (const [what, from, to] of [
    ['install scripts are not rejected', 'strictDepBuilds: true', ''],
    ['one may run its scripts', 'esbuild: false', 'esbuild: true'],
    ['dependencies may come from URLs', 'blockExoticSubdeps: true', ''],
    ['releases are taken the minute they appear', /minimumReleaseAge: \d+/, ''],
  ]) {
    it(`are rejected when ${what}`, () => {
      const changed = workspace.replace(from, to);
      expect(changed).not.to.equal(workspace);
      expect(looseSettings(changed, setup)).to.have.lengthOf(1);
    });
  }

  it('are rejected when the lockfile may change while it is installed', () => {
    const changed = setup.replace("'--frozen-lockfile', ", '');
    expect(looseSettings(workspace, changed)).to.have.lengthOf(1);
  });
});
