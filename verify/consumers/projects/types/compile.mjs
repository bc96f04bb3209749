// Compiles service.ts, and an import of every entry, with each compiler and each kind of module.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

// 5.7 made Uint8Array generic, 5.8 lets CommonJS import ES modules under nodenext. CommonJS under bundler is the
// same as ES modules there.
const MATRIX = {
  5.4: { module: ['bundler'], commonjs: ['node16'] },
  5.6: { module: ['nodenext'], commonjs: [] },
  5.7: { module: ['node16'], commonjs: [] },
  5.9: { module: ['nodenext'], commonjs: ['node18', 'nodenext'] },
  7: {
    module: ['node16', 'node18', 'nodenext', 'bundler'],
    commonjs: ['node16', 'node18', 'nodenext'],
  },
};

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const entries = readdirSync('node_modules/@keywrap').flatMap((folder) => {
  const { name, exports } = read(`node_modules/@keywrap/${folder}/package.json`);
  return Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => name + entry.slice(1));
});
assert.ok(entries.length > 10);

for (const [compiler, types] of Object.entries(MATRIX)) {
  for (const [type, kinds] of Object.entries(types)) {
    for (const kind of kinds) compile(compiler, type, kind);
  }
}

function compile(compiler, type, kind) {
  const folder = `${compiler}-${type}-${kind}`;
  mkdirSync(folder);
  copyFileSync('service.ts', `${folder}/service.ts`);
  // The declarations of the libraries that these are for need TypeScript 5.9, and have none for CommonJS.
  const isRecent = compiler >= 5.9 && (type === 'module' || kind === 'nodenext');
  const ofLibraries = /\/(inversify|client-browser|client-node)$|provider-(azure|gcp|pkcs11)/;
  // Google's are CommonJS and import ES modules, which node16 and node18 refuse.
  const isGoogle = (entry) => entry.includes('provider-gcp') && /^node1\d$/.test(kind);
  const compiled = entries.filter(
    (each) => (isRecent || !ofLibraries.test(each)) && !isGoogle(each),
  );
  const lines = compiled.map((entry, i) => `import * as m${i} from '${entry}';`);
  const all = `export const all = [${compiled.map((_, i) => `m${i}`)}];`;
  writeFileSync(`${folder}/entries.ts`, [...lines, all].join('\n'));
  writeFileSync(`${folder}/package.json`, JSON.stringify({ type }));
  const module = kind === 'bundler' ? 'esnext' : kind;
  const moduleResolution = kind === 'node18' ? 'node16' : kind;
  const options = { module, moduleResolution, target: 'es2022', strict: true, noEmit: true };
  const compilerOptions = { ...options, types: ['node'], skipLibCheck: false };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = `node_modules/typescript-${compiler}/bin/tsc`;
  try {
    execFileSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8' });
  } catch ({ stdout }) {
    throw new Error(`TypeScript ${compiler}, ${kind}, type ${type}:\n${stdout}`);
  }
}
