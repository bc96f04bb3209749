// Asks the registry for known vulnerabilities of everything in the lockfile, development tools too.
//
// By npm and not by pnpm: pnpm 10 asks at an endpoint that registries have retired, npm at the one that took
// its place (https://github.com/pnpm/pnpm/pull/11268). npm reads no lockfile of pnpm's, so it gets one that
// lists the same versions.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { npm } from './npm.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Exit codes: a registry without audits is neither a finding nor an all-clear. */
export const EXIT = { clean: 0, found: 1, failed: 2, unanswered: 3 };

/**
 * @param {string} lockfile of pnpm.
 * @param {Record<string, string>} explained why an advisory does not matter here, by its id.
 * @returns {Promise<{ code: number, lines: string[] }>} how it ended, and what to tell people.
 */
export async function audit(lockfile, explained = {}, environment = {}) {
  const project = everyVersionOf(lockfile);
  const { stdout, stderr } = await npm(['audit', '--json'], project, environment);
  const report = parse(stdout);
  if (report?.auditReportVersion === undefined) return withoutReport(report, stderr);
  const advisories = advisoriesOf(report);
  const open = advisories.filter(({ id }) => !Object.hasOwn(explained, id));
  const stale = Object.keys(explained).filter((id) => advisories.every((each) => each.id !== id));
  const count = Object.keys(project.lock.packages).length - 1;
  return {
    code: open.length + stale.length > 0 ? EXIT.found : EXIT.clean,
    lines: [
      ...open.map(({ name, range, severity, title, url }) =>
        [severity, `${name} ${range}`, title, url].join(': '),
      ),
      ...stale.map(
        (id) => `${id} is explained in explained.json, and no longer found: take it out`,
      ),
      `${count} versions asked about, ${advisories.length} advisories, ${open.length} unexplained`,
    ],
  };
}

/** Names each version differently, so that several versions of a package can be installed together. */
function everyVersionOf(lockfile) {
  const versions = Object.keys(load(lockfile).packages).map((key) => {
    const at = key.lastIndexOf('@');
    return { name: key.slice(0, at), version: key.slice(at + 1) };
  });
  const dependencies = Object.fromEntries(
    versions.map(({ name, version }, index) => [`locked-${index}`, `npm:${name}@${version}`]),
  );
  const manifest = { name: 'keywrap', version: '0.0.0', dependencies };
  const entries = versions.map((each, index) => [`node_modules/locked-${index}`, each]);
  const packages = Object.fromEntries([['', manifest], ...entries]);
  return { manifest, lock: { ...manifest, lockfileVersion: 3, requires: true, packages } };
}

function advisoriesOf({ vulnerabilities }) {
  const found = Object.values(vulnerabilities)
    .flatMap(({ via }) => via)
    // The name is an alias of another package, which is listed itself.
    .filter((each) => typeof each === 'object')
    .map((each) => ({ ...each, id: path.posix.basename(each.url) }));
  return [...new Map(found.map((each) => [`${each.id} ${each.name}`, each])).values()];
}

function withoutReport(response, stderr) {
  const { statusCode, message = stderr.trim() } = response ?? {};
  const isUnreachable = /ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|ENETUNREACH/.test(message);
  if (statusCode === undefined && !isUnreachable) {
    return { code: EXIT.failed, lines: [`npm audit failed: ${message}`] };
  }
  return {
    code: EXIT.unanswered,
    lines: [
      `The registry can't tell: ${message}`,
      'The audit was not made. Use a registry that supports audits, for example:',
      'npm_config_registry=<its URL> npm run audit',
    ],
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

if (process.argv[1] === import.meta.filename) {
  const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');
  const explained = JSON.parse(read('scripts/supply-chain/explained.json'));
  const { code, lines } = await audit(read('pnpm-lock.yaml'), explained);
  for (const line of lines) console.log(line);
  process.exitCode = code;
}
