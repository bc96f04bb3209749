import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import {
  type ConformanceHarness,
  type ConformanceKeys,
  describeConformance,
} from '@keywrap/testkit';
import { CREDENTIALS } from './support.js';

/** A key protects the stores, because a passphrase takes a while to check. */
const PROTECTED = {
  provider: new LocalKeyWrapProvider({ keys: ['alias/stores'] }),
  keyId: 'alias/stores',
};

/** What AWS KMS does not have, and other backends do. */
const OTHERS =
  'dataKeysUnder:RSA|oneAlgorithmPerKey|algorithm:RSAES_OAEP_SHA_384|algorithm:RSAES_OAEP_SHA_512';
const MEANT_FOR_OTHERS = new RegExp(
  ` - not applicable: (the provider declares |core does this |the provider does not declare (${OTHERS})$|the harness has no keys.(restrictToDecrypt|destroy)$)`,
);

/** Every case has to apply to AWS KMS. */
const RUNNER = {
  describe,
  it: Object.assign(it.bind(globalThis), { skip: expectMeantForOthers }),
  after,
};

// `npm run conformance:matrix` runs the rest.
await describeConformance(
  harnessOf('KmsKeyWrapProvider over HTTP', () => startKmsServer({ port: 0 })),
  RUNNER,
  { profile: 'quick' },
);

// The cases that depend on the server's key store: key states, usages, rotations and imports.
await describeConformance(
  harnessOf('KmsKeyWrapProvider over HTTP, with keys in a database', startOnDisk),
  RUNNER,
  { only: ['DIS', 'DEL', 'IMP', 'USE', 'ROT'], profile: 'quick' },
);

async function startOnDisk(): Promise<KmsServer> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-'));
  const server = await startKmsServer({
    port: 0,
    store: () =>
      SqlKeyStore.open({
        location: path.join(parent, 'keys.db'),
        protectedBy: PROTECTED,
        create: true,
      }),
  });
  const close = () => server.close().then(() => rm(parent, { recursive: true, force: true }));
  return { ...server, close };
}

function harnessOf(name: string, start: () => Promise<KmsServer>): ConformanceHarness {
  return {
    name,
    async open() {
      const server = await start();
      const connection = { region: 'eu-west-1', endpoint: server.url, credentials: CREDENTIALS };
      const administrator = new KMSClient(connection);
      return {
        provider: new KmsKeyWrapProvider(connection),
        keys: keysOf(administrator),
        cache: withDataKeyCache,
        async close() {
          administrator.destroy();
          await server.close();
        },
      };
    },
  };
}

/** Makes keys with the commands of the AWS SDK. */
function keysOf(administrator: KMSClient): ConformanceKeys {
  return {
    async create({ keySpec, keyUsage, origin }) {
      const { KeyMetadata } = await administrator.send(
        new CreateKeyCommand({ KeySpec: keySpec, KeyUsage: keyUsage, Origin: origin }),
      );
      return { keyId: KeyMetadata?.Arn as string };
    },
    alias: (alias, keyArn) =>
      administrator.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyArn })),
    disable: (keyArn) => administrator.send(new DisableKeyCommand({ KeyId: keyArn })),
    enable: (keyArn) => administrator.send(new EnableKeyCommand({ KeyId: keyArn })),
    scheduleDeletion: (keyArn) =>
      administrator.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn })),
    rotate: (keyArn) => administrator.send(new RotateKeyOnDemandCommand({ KeyId: keyArn })),
  };
}

/**
 * KMS supports the contract as far as it is that of AWS KMS, so only cases about missing capabilities, about other
 * backends and about core alone are skipped.
 */
function expectMeantForOthers(title: string): void {
  if (MEANT_FOR_OTHERS.test(title)) return;
  it(title, () => {
    throw new Error('every case has to apply to AWS KMS');
  });
}
