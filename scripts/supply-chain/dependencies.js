// Finds the production dependencies of the published packages, as installed here.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';

/** npm runs these when a package is installed. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** The packages that are published, each with its dependencies as a graph. */
export function publishedPackages(root) {
  const folder = path.join(root, 'packages');
  const { packages } = load(readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8'));
  const installed = { packages, nodes: new Map() };
  return readdirSync(folder).map((name) => nodeAt(path.join(folder, name), installed));
}

/** Everything that a package needs, once each: other people's packages, and ours. */
export function dependenciesOf(node, found = new Set()) {
  for (const { target } of node.edges) {
    if (found.has(target)) continue;
    found.add(target);
    dependenciesOf(target, found);
  }
  return [...found];
}

function nodeAt(folder, installed) {
  const known = installed.nodes.get(folder);
  if (known !== undefined) return known;
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const { name, version, license: licence = 'none', scripts = {} } = manifest;
  const isOurs = name.startsWith('@keywrap/');
  const node = {
    ...{ name, version, isOurs, edges: [] },
    integrity: installed.packages[`${name}@${version}`]?.resolution.integrity,
    licence: typeof licence === 'string' ? licence : licence.type,
    hasInstallScript:
      INSTALL_SCRIPTS.some((script) => script in scripts) ||
      existsSync(path.join(folder, 'binding.gyp')),
  };
  installed.nodes.set(folder, node);
  for (const [dependency, range, isOptional] of neededBy(manifest)) {
    const target = find(folder, dependency);
    if (target !== undefined) {
      node.edges.push({ name: dependency, range, target: nodeAt(target, installed) });
    } else if (!isOptional) {
      throw new Error(`${name} needs ${dependency}, which is not installed: npm run setup`);
    }
  }
  return node;
}

/** Peers that are not optional are installed with the package, so they count. */
function neededBy({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }) {
  const peers = Object.entries(peerDependencies ?? {}).filter(
    ([name]) => peerDependenciesMeta?.[name]?.optional !== true,
  );
  const optional = Object.entries(optionalDependencies ?? {});
  return [
    ...[...Object.entries(dependencies ?? {}), ...peers].map((entry) => [...entry, false]),
    ...optional.map((entry) => [...entry, true]),
  ];
}

/** Returns the path where Node.js would find it. */
function find(from, name) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === path.dirname(folder)) return undefined;
  }
}
