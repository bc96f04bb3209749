// Checks the dependencies. Each function returns a list of problems, in words.
import { load } from 'js-yaml';
import { dependenciesOf } from './dependencies.js';

/** A row of the table for each package: other people's packages only, since ours are looked at alone. */
export function summarise(packages) {
  return packages.map((node) => {
    const all = dependenciesOf(node).filter(({ isOurs }) => !isOurs);
    return {
      name: node.name,
      direct: node.edges.filter(({ target }) => !target.isOurs).length,
      all: all.length,
      withInstallScript: all.filter(({ hasInstallScript }) => hasInstallScript).map(nameOf),
      licences: [...new Set(all.map(({ licence }) => licence))].sort(),
    };
  });
}

/** Finds packages over a limit, or with a licence that is not allowed. */
export function overLimit(rows, { packages, licences }) {
  return rows.flatMap((row) => {
    const limit = packages[row.name];
    if (limit === undefined) return [`${row.name} has no limit: write one into limits.json`];
    const counts = ['direct', 'all'].filter((count) => row[count] > limit[count]);
    return [
      ...counts.map(
        (count) => `${row.name}: ${row[count]} dependencies (${count}), at most ${limit[count]}`,
      ),
      ...row.withInstallScript.map((name) => `${row.name}: ${name} has an install script`),
      ...row.licences
        .filter((licence) => !licences.includes(licence))
        .map((licence) => `${row.name}: the licence ${licence} is not in limits.json`),
    ];
  });
}

/** Finds packages in a pnpm lockfile that are not from the registry, or have no checksum. */
export function unpinned(lockfile) {
  const { packages = {} } = load(lockfile);
  return Object.entries(packages).flatMap(([name, { resolution = {} }]) => {
    const { integrity, ...elsewhere } = resolution;
    if (Object.keys(elsewhere).length > 0) {
      return [`${name} does not come from the registry: ${Object.keys(elsewhere).join(', ')}`];
    }
    return /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')
      ? []
      : [`${name} has no SHA-512 in the lockfile`];
  });
}

/** Finds settings that would let in unreviewed code. */
export function looseSettings(workspace, setup) {
  const settings = load(workspace);
  const builds = Object.entries(settings.allowBuilds ?? {}).filter(([, allowed]) => allowed);
  return [
    ...(settings.strictDepBuilds === true ? [] : ['strictDepBuilds is not on']),
    ...(settings.blockExoticSubdeps === true ? [] : ['blockExoticSubdeps is not on']),
    ...(settings.minimumReleaseAge > 0 ? [] : ['minimumReleaseAge is not set']),
    ...(settings.dangerouslyAllowAllBuilds === true ? ['all install scripts are allowed'] : []),
    ...builds.map(([name]) => `${name} may run scripts when it is installed`),
    ...(setup.includes("'install', '--frozen-lockfile'")
      ? []
      : ['scripts/setup.js does not install with --frozen-lockfile']),
  ];
}

export function nameOf({ name, version }) {
  return `${name}@${version}`;
}
