// Makes the table of requests that kms-server reads: names, members, constraints, enumerations and errors of
// AWS's service model, without its documentation. botocore publishes the model with every release (Apache-2.0):
//   node scripts/kms-model.js <botocore>/data/kms/2014-11-01/service-2.json[.gz]
// A test compares the table with the installed AWS SDK, and fails once the SDK has an operation, a member or a
// value that the table does not have.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const root = path.resolve(import.meta.dirname, '..');
const table = path.join(root, 'packages/kms-server/src/protocol/model.json');
const [file = ''] = process.argv.slice(2);

const content = readFileSync(file);
const model = JSON.parse(file.endsWith('.gz') ? gunzipSync(content) : content);

/** `exception` tells an error from another structure. */
const CONSTRAINTS = ['min', 'max', 'pattern', 'enum', 'exception', 'sensitive'];

const nameOf = (reference) => reference?.shape;
const entries = (object, map) =>
  Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((name) => [name, map(object[name])]),
  );

const operation = ({ input, output, errors = [] }) => ({
  input: nameOf(input),
  output: nameOf(output),
  errors: errors.map(nameOf).sort(),
});

/** Keeps the order of members: KMS reports violations in it. */
const shape = ({ type, required, members, member, key, value, ...rest }) => ({
  type,
  required,
  members:
    members && Object.fromEntries(Object.entries(members).map(([name, of]) => [name, nameOf(of)])),
  member: nameOf(member),
  key: nameOf(key),
  value: nameOf(value),
  ...Object.fromEntries(CONSTRAINTS.map((name) => [name, rest[name]])),
});

const result = {
  operations: entries(model.operations, operation),
  shapes: entries(model.shapes, shape),
};
writeFileSync(table, JSON.stringify(result));
execFileSync(path.join(root, 'node_modules/.bin/biome'), ['format', '--write', table], {
  cwd: root,
  stdio: 'inherit',
});
