import { startKmsServer } from '@keywrap/kms-server';
import { describeConformance } from '@keywrap/testkit';
import { behindProxy, harnessOf, RUNNER, startOnDisk } from './harness.js';

// The cases that depend on the server's key store: key states, usages, rotations and imports.
await describeConformance(
  harnessOf('KmsKeyWrapProvider over HTTP, with keys in a database', startOnDisk),
  RUNNER,
  { only: ['DIS', 'DEL', 'IMP', 'USE', 'ROT'], profile: 'quick' },
);

// The cases about outages and missing rights.
await describeConformance(
  behindProxy(
    harnessOf('KmsKeyWrapProvider behind a faulty proxy', (now) =>
      startKmsServer({ port: 0, now }),
    ),
  ),
  RUNNER,
  { only: ['OUT', 'ADM-4'], profile: 'full' },
);
