// Writes the declarations of the packages once more as `.d.cts`, after they were compiled. CommonJS code may require()
// the packages, which are ES modules; but TypeScript lets it import them only by declarations that are CommonJS too:
// with `module` set to `node16` or `node18` always, with `nodenext` before TypeScript 5.8.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const packages = path.resolve(import.meta.dirname, '../packages');

for (const folder of readdirSync(packages)) {
  const dist = path.join(packages, folder, 'dist');
  const files = readdirSync(dist, { recursive: true }).map((file) => path.join(dist, file));
  for (const file of files.filter((each) => each.endsWith('.d.cts'))) rmSync(file);
  for (const file of files.filter((each) => each.endsWith('.d.ts'))) {
    const declarations = readFileSync(file, 'utf8')
      .replace(/((?:from |import\(|import )['"]\.\.?\/[^'"]*)\.js(?=['"])/g, '$1.cjs')
      .replace(/^\/\/# sourceMappingURL=.*$/m, '');
    writeFileSync(file.replace(/\.ts$/, '.cts'), declarations);
  }
}
