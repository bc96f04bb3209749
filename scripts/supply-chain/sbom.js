// Writes a software bill of materials for each published package into sbom/, in CycloneDX's JSON, by npm,
// and checks each against CycloneDX's schema.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { publishedPackages } from './dependencies.js';
import { npm } from './npm.js';
import { npmLock } from './npm-lock.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ARGUMENTS = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev'];

/** @returns {Promise<string>} the bill of materials of a package. */
export async function billOf(node) {
  const { ok, stdout, stderr } = await npm(ARGUMENTS, npmLock(node));
  if (!ok) throw new Error(`npm sbom failed for ${node.name}:\n${stderr}`);
  return stdout;
}

/** @returns {Promise<string | undefined>} the problem with it, by CycloneDX's JSON schema. */
export async function validate(bill) {
  const version = JSON.parse(bill).specVersion;
  if (!Object.values(Spec.Version).includes(version)) return `no version of CycloneDX: ${version}`;
  const problem = await new Validation.JsonStrictValidator(version).validate(bill);
  return problem === null ? undefined : JSON.stringify(problem);
}

if (process.argv[1] === import.meta.filename) {
  const folder = path.join(ROOT, 'sbom');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const node of publishedPackages(ROOT)) {
    const bill = await billOf(node);
    const problem = await validate(bill);
    if (problem !== undefined) throw new Error(`${node.name}: ${problem}`);
    const file = path.join(folder, `${path.basename(node.name)}.cdx.json`);
    writeFileSync(file, bill);
    const { components, specVersion } = JSON.parse(readFileSync(file, 'utf8'));
    console.log(
      `${path.relative(ROOT, file)}: CycloneDX ${specVersion}, ${components.length} components`,
    );
  }
}
