// A lockfile of npm for one package, with the very versions of ours of pnpm, so that npm's own tools can
// look at them. They are placed the way npm does it: at the top, or where a version is needed that the one
// at the top is not.

/** @returns {{ manifest: object, lock: object }} what `package.json` and `package-lock.json` hold. */
export function npmLock(node) {
  const { name, version, licence: license } = node;
  const manifest = { name, version, license, dependencies: rangesOf(node) };
  const placed = new Map([['', node]]);
  place(node, '', placed);
  const packages = Object.fromEntries(
    [...placed].map(([location, each]) => [location, entryOf(each)]),
  );
  return { manifest, lock: { name, version, lockfileVersion: 3, requires: true, packages } };
}

function place(node, location, placed) {
  for (const { name, target } of node.edges) {
    if (visible(name, location, placed) === target) continue;
    const top = `node_modules/${name}`;
    const there = placed.has(top) ? `${location}/${top}` : top;
    placed.set(there, target);
    place(target, there, placed);
  }
}

/** Returns the package that Node.js would find from a location under that name. */
function visible(name, location, placed) {
  for (let folder = location; ; folder = folder.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const found = placed.get(`${folder}/node_modules/${name}`.replace(/^\//, ''));
    if (found !== undefined || folder === '') return found;
  }
}

function entryOf(node) {
  const { name, version, integrity, licence: license } = node;
  return { name, version, integrity, license, dependencies: rangesOf(node) };
}

/** In the workspace ours are named by `workspace:`, which pnpm replaces when it packs. */
function rangesOf({ edges }) {
  return Object.fromEntries(
    edges.map(({ name, range, target }) => [
      name,
      range.startsWith('workspace:') ? target.version : range,
    ]),
  );
}
