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
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { type ConformanceKeys, describeConformance } from '@keywrap/testkit';
import { CREDENTIALS } from './support.js';

await describeConformance(
  {
    name: 'KmsKeyWrapProvider over HTTP',
    async open() {
      const server = await startKmsServer({ port: 0 });
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
  },
  { describe, it: Object.assign(it.bind(globalThis), { skip: expectMeantForOthers }), after },
);

/** Keys as everybody makes them: by the commands of the AWS SDK. */
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

/** KMS can do everything that the contract has, so only cases for those who can't are left out. */
function expectMeantForOthers(title: string): void {
  if (/ - not applicable: the provider declares /.test(title)) return;
  it(title, () => {
    throw new Error('every case has to apply to AWS KMS');
  });
}
