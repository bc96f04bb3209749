import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A third-party client of AWS KMS, and the program here that uses it. */
export interface Client {
  readonly name: string;
  /** Commands that print its version, for each place where it may be; the first that works is used. */
  readonly probes: readonly (readonly string[])[];
  /** Returns the command to run, given the executable that the probe found. */
  command(executable: string): readonly string[];
  /** Where to get it if it is missing. */
  readonly source: string;
  /** A note on its use here. */
  readonly note?: string;
}

/** A client that is on this machine. */
export interface InstalledClient {
  readonly name: string;
  readonly version: string;
  readonly command: readonly string[];
}

const program = (file: string) => fileURLToPath(new URL(`../programs/${file}`, import.meta.url));

// A shim of a version manager may be first on the PATH without the program itself.
const either = (name: string, ...args: string[]) => [
  [name, ...args],
  [`/usr/bin/${name}`, ...args],
];

const version = (packageName: string) => [
  [
    process.execPath,
    '--print',
    `require(${JSON.stringify(fileURLToPath(new URL(`../node_modules/${packageName}/package.json`, import.meta.url)))}).version`,
  ],
];

export const CLIENTS: readonly Client[] = [
  {
    name: 'AWS CLI',
    probes: either('aws', '--version'),
    command: (executable) => ['bash', program('aws-cli.sh'), executable],
    source: 'Debian package awscli',
  },
  {
    name: 'boto3',
    probes: either('python3', '-c', 'import boto3; print(boto3.__version__)'),
    command: (executable) => [executable, program('python.py')],
    source: 'Debian package python3-boto3',
  },
  {
    name: 'Ruby SDK',
    probes: either('ruby', '-e', "require 'aws-sdk-kms'; puts Aws::KMS::GEM_VERSION"),
    command: (executable) => [executable, program('ruby.rb')],
    source: 'Debian package ruby-aws-sdk-kms',
    note: 'before 1.26 with what KMS has got since added to its description of the API',
  },
  {
    name: 'JS SDK v3',
    probes: version('@aws-sdk/client-kms'),
    command: (executable) => [executable, program('node-sdk-v3.js')],
    source: 'npm package @aws-sdk/client-kms',
  },
  {
    name: 'JS SDK v2',
    probes: version('aws-sdk'),
    command: (executable) => [executable, program('node-sdk-v2.js')],
    source: 'npm package aws-sdk',
  },
];

/** Looks for a client; `undefined` if it is not on this machine. */
export function find(client: Client): InstalledClient | undefined {
  for (const [executable = '', ...args] of client.probes) {
    const { status, stdout } = spawnSync(executable, args, { encoding: 'utf8' });
    if (status !== 0) continue;
    const [found = ''] = /\d+(\.\d+)+/.exec(stdout) ?? [];
    return { name: client.name, version: found, command: client.command(executable) };
  }
  return undefined;
}
