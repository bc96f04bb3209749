import path from 'node:path';
import { type Client, either, javaClient, npmVersion, program } from '../clients.js';

/** The AWS Encryption SDKs. Their programs seal and open files; see `message.ts`. */
export const SDKS: readonly Client[] = [
  {
    name: 'JavaScript',
    probes: npmVersion('@aws-crypto/client-node'),
    command: (executable) => [executable, program('node-esdk.js')],
    source: 'npm package @aws-crypto/client-node',
  },
  {
    name: 'Python',
    probes: either('python3', '-m', 'pip', '--version'),
    build: {
      folder: 'python-esdk',
      commands: [
        ['-m', 'pip', 'install', '--quiet', '--target', 'lib', '--requirement', 'requirements.txt'],
      ],
      version: ['requirements.txt', /aws-encryption-sdk==(\S+)/],
    },
    command: (executable, built) => [executable, path.join(built, 'main.py')],
    source: 'PyPI; Debian package python3-pip',
  },
  javaClient('Java', 'EncryptionSdk', 'aws-encryption-sdk-java'),
];

/** Those that take minutes to build. */
export const SLOW_SDKS: readonly Client[] = [
  {
    name: 'Go',
    probes: either('go', 'version'),
    build: {
      folder: 'go-esdk',
      commands: [['build', '-o', 'interop', '.']],
      version: ['go.mod', /encryption-sdk v(\S+)/],
    },
    command: (_, built) => [path.join(built, 'interop')],
    source: 'Go modules; Debian package golang-go from version 1.24',
  },
  {
    name: 'Rust',
    probes: either('cargo', '--version'),
    build: {
      folder: 'rust-esdk',
      commands: [
        ['install', '--quiet', '--locked', '--path', '.', '--root', 'built'],
        // A gigabyte that is not needed any more.
        ['clean', '--quiet'],
      ],
      version: ['Cargo.toml', /aws-esdk = "=([^"]*)/],
    },
    command: (_, built) => [path.join(built, 'built', 'bin', 'interop')],
    source: 'crates.io; Debian packages cargo and cmake, Rust from version 1.94.1',
  },
];
