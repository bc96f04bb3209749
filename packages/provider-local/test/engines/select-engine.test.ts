import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { selectEngine } from '#dist/cipher/engines/index.js';

const DIST = new URL('../../dist/cipher/engines/', import.meta.url);

describe('selectEngine', () => {
  it('chooses node:crypto by default if it exists', async () => {
    expect((await selectEngine('auto')).name).to.equal('node');
  });

  it('chooses node-forge by default otherwise', async () => {
    const { getBuiltinModule } = process;
    try {
      process.getBuiltinModule = (() => undefined) as typeof getBuiltinModule;
      expect((await selectEngine('auto')).name).to.equal('forge');
    } finally {
      process.getBuiltinModule = getBuiltinModule;
    }
  });

  it('chooses the named engine', async () => {
    expect((await selectEngine('node')).name).to.equal('node');
    expect((await selectEngine('forge')).name).to.equal('forge');
  });

  it('the forge engine does not need Node.js', () => {
    const imported = importsFrom(new URL('forge.js', DIST));
    expect(imported).to.include('node-forge');
    expect(imported.filter((name) => name.startsWith('node:'))).to.deep.equal([]);
  });

  it('the node engine does not load node-forge', () => {
    const imported = importsFrom(new URL('node.js', DIST));
    expect(imported).to.include('node:crypto');
    expect(imported).not.to.include('node-forge');
  });
});

/** The packages that a module imports, by itself and through the modules of this package. */
function importsFrom(start: URL): string[] {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (module: URL) => {
    if (seen.has(module.href)) return;
    seen.add(module.href);
    for (const [, name = ''] of readFileSync(module, 'utf8').matchAll(
      /(?:from |import\()'([^']+)'/g,
    )) {
      if (name.startsWith('.')) visit(new URL(name, module));
      else if (name === '#forge') visit(new URL('forge/library/index.js', DIST));
      else packages.add(name);
    }
  };
  visit(start);
  return [...packages];
}
