import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import type {
  ConformanceHarness,
  ConformanceKeys,
  ConformanceSubject,
  Outage,
} from '@keywrap/testkit';
import { type Fault, FaultyProxy, failing, healthy } from './faulty-proxy.js';
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
  ` - not applicable: (the provider declares |core does this |the provider does not declare (${OTHERS})$|the harness has no (fail|(keys.(restrictToDecrypt|removeOldVersions|deny)|rotation of RSA keys))$)`,
);

/** Every case has to apply to AWS KMS. */
export const RUNNER = {
  describe,
  it: Object.assign(it.bind(globalThis), { skip: expectMeantForOthers }),
  after,
};

/** A server with its keys in a database. */
export async function startOnDisk(now: () => Date): Promise<KmsServer> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-'));
  const server = await startKmsServer({
    port: 0,
    now,
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

type Start = (now: () => Date) => Promise<KmsServer>;

const WEEK = 7 * 24 * 60 * 60 * 1000;

/** Opens providers, each with a server of its own. */
export function harnessOf(name: string, start: Start): KmsHarness {
  return {
    name,
    async open(proxied = async (url: string) => url) {
      let ahead = 0;
      const server = await start(() => new Date(Date.now() + ahead));
      const connection = { region: 'eu-west-1', endpoint: server.url, credentials: CREDENTIALS };
      const administrator = new KMSClient(connection);
      const endpoint = await proxied(server.url);
      const another = () => new KmsKeyWrapProvider({ ...connection, endpoint, maxAttempts: 2 });
      return {
        provider: another(),
        reopen: async () => another(),
        keys: {
          ...keysOf(administrator),
          async destroy(KeyId) {
            const input = { KeyId, PendingWindowInDays: 7 };
            await administrator.send(new ScheduleKeyDeletionCommand(input));
            // The deletion is done when the key is next read; the clock goes back for keys that wait for longer.
            ahead += WEEK + 1;
            await administrator.send(new DescribeKeyCommand({ KeyId })).catch(() => 'gone');
            ahead -= WEEK + 1;
          },
        },
        cache: withDataKeyCache,
        async close() {
          administrator.destroy();
          await server.close();
        },
      };
    },
  };
}

interface KmsHarness extends ConformanceHarness {
  open(proxied?: (url: string) => Promise<string>): Promise<ConformanceSubject>;
}

const FAULTS: Readonly<Record<Outage, Fault>> = {
  throttled: failing('ThrottlingException'),
  denied: failing('AccessDeniedException'),
  unavailable: ({ socket }) => socket?.resetAndDestroy(),
  failed: failing('KMSInternalException', 500),
};

/** Lets the proxy break what the server is asked for, or the requests about one key. */
export function behindProxy({ name, open }: KmsHarness): ConformanceHarness {
  return {
    name,
    async open() {
      let proxy: FaultyProxy | undefined;
      let outage: Outage | undefined;
      const denied: { readonly keyId: string; readonly isDescription: boolean }[] = [];
      const subject = await open(async (url) => {
        proxy = await FaultyProxy.start(url);
        proxy.faultFor = (_, { headers, body }) => {
          if (outage !== undefined) return FAULTS[outage];
          const isDescription = headers['x-amz-target'] === 'TrentService.DescribeKey';
          const relevant = denied.filter((each) => each.isDescription === isDescription);
          return (response, answer) => {
            // A ciphertext may name its key, and then the response shows which one it is.
            const isDenied = relevant.some(
              ({ keyId }) => body.includes(keyId) || answer.body.includes(keyId),
            );
            (isDenied ? FAULTS.denied : healthy)(response, answer);
          };
        };
        return proxy.url;
      });
      return {
        ...subject,
        keys: {
          ...subject.keys,
          async deny(keyId, right) {
            denied.push({ keyId, isDescription: right === 'describe' });
          },
        },
        fail: (kind) => {
          outage = kind;
        },
        async close() {
          await proxy?.[Symbol.asyncDispose]();
          await subject.close?.();
        },
      };
    },
  };
}

/** Makes keys with the commands of the AWS SDK. */
function keysOf(administrator: KMSClient): ConformanceKeys {
  const create: ConformanceKeys['create'] = async ({ keySpec, keyUsage, origin }) => {
    const { KeyMetadata } = await administrator.send(
      new CreateKeyCommand({ KeySpec: keySpec, KeyUsage: keyUsage, Origin: origin }),
    );
    return { keyId: KeyMetadata?.Arn as string };
  };
  const scheduleDeletion = (keyArn: string) =>
    administrator.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn }));
  return {
    create,
    alias: (alias, keyArn) =>
      administrator.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyArn })),
    moveAlias: (alias, keyArn) =>
      administrator.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: keyArn })),
    disable: (keyArn) => administrator.send(new DisableKeyCommand({ KeyId: keyArn })),
    enable: (keyArn) => administrator.send(new EnableKeyCommand({ KeyId: keyArn })),
    scheduleDeletion,
    cancelDeletion: (keyArn) => administrator.send(new CancelKeyDeletionCommand({ KeyId: keyArn })),
    deleteSoftly: scheduleDeletion,
    createForeign: () => create({ keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' }),
    async rotate(keyArn) {
      try {
        await administrator.send(new RotateKeyOnDemandCommand({ KeyId: keyArn }));
      } catch (error) {
        // AWS KMS rotates symmetric keys alone.
        const isUnsupported = (error as Error).name === 'UnsupportedOperationException';
        throw isUnsupported
          ? new UnsupportedOperationError('it does not rotate', { cause: error })
          : error;
      }
    },
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
