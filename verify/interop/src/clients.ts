import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Build, build } from './build.js';

/** A third-party client of AWS KMS, and the program here that uses it. */
export interface Client {
  readonly name: string;
  /** Commands that print its version, for each place where it may be; the first that works is used. */
  readonly probes: readonly (readonly string[])[];
  /** What the executable has to build before the program can run. */
  readonly build?: Build & {
    /** The file of the build's folder that names the version of the client, and where. */
    readonly version: readonly [file: string, pattern: RegExp];
  };
  /** Returns the command to run, given the executable that the probe found, and the folder of the build. */
  command(executable: string, built: string): readonly string[];
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

export const program = (file: string) =>
  fileURLToPath(new URL(`../programs/${file}`, import.meta.url));

// A shim of a version manager may be first on the PATH without the program itself.
export const either = (name: string, ...args: string[]) => [
  [name, ...args],
  [`/usr/bin/${name}`, ...args],
];

export const npmVersion = (packageName: string) => [
  [
    process.execPath,
    '--print',
    `require(${JSON.stringify(fileURLToPath(new URL(`../node_modules/${packageName}/package.json`, import.meta.url)))}).version`,
  ],
];

/** @param artifact What the version in the Maven project is of. */
export const javaClient = (name: string, mainClass: string, artifact: string): Client => ({
  name,
  probes: either('mvn', '--version'),
  build: {
    folder: 'java',
    commands: [
      [
        ...['--batch-mode', '--quiet', '--no-transfer-progress'],
        ...['compile', 'dependency:copy-dependencies'],
        ...['-DincludeScope=runtime', '-DoutputDirectory=target/lib'],
      ],
    ],
    version: ['pom.xml', new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]*)`)],
  },
  command: (_, built) => [
    'java',
    // Quick to start; the program is done before better code would pay.
    '-XX:TieredStopAtLevel=1',
    '-classpath',
    ['classes', 'lib/*'].map((part) => path.join(built, 'target', part)).join(path.delimiter),
    mainClass,
  ],
  source: 'Maven Central; Debian packages maven and default-jdk-headless',
});

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
  javaClient('Java SDK v2', 'KmsVersion2', 'bom'),
  javaClient('Java SDK v1', 'KmsVersion1', 'aws-java-sdk-kms'),
  {
    name: 'Go SDK v2',
    probes: either('go', 'version'),
    build: {
      folder: 'go',
      commands: [['build', '-o', 'interop', '.']],
      version: ['go.mod', /service\/kms v(\S+)/],
    },
    command: (_, built) => [path.join(built, 'interop')],
    source: 'Go modules; Debian package golang-go from version 1.24',
  },
  {
    name: 'JS SDK v3',
    probes: npmVersion('@aws-sdk/client-kms'),
    command: (executable) => [executable, program('node-sdk-v3.js')],
    source: 'npm package @aws-sdk/client-kms',
  },
  {
    name: 'JS SDK v2',
    probes: npmVersion('aws-sdk'),
    command: (executable) => [executable, program('node-sdk-v2.js')],
    source: 'npm package aws-sdk',
  },
];

/** Looks for a client, and builds its program. Returns why it can't be used if it can't. */
export function find(client: Client): InstalledClient | string {
  for (const [executable = '', ...args] of client.probes) {
    const { status, stdout } = spawnSync(executable, args, { encoding: 'utf8' });
    if (status !== 0) continue;
    const { name } = client;
    if (client.build === undefined) {
      const [version = ''] = /\d+(\.\d+)+/.exec(stdout) ?? [];
      return { name, version, command: client.command(executable, '') };
    }
    try {
      const built = build(client.build, executable);
      const [file, pattern] = client.build.version;
      const [, version = ''] = pattern.exec(readFileSync(path.join(built, file), 'utf8')) ?? [];
      return { name, version, command: client.command(executable, built) };
    } catch (error) {
      return `not built: ${(error as Error).message}`;
    }
  }
  return `not installed: ${client.source}`;
}
