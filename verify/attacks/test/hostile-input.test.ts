import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openKeyWrapProvider, withAuditLog } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider, kmsScheme } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';
import { AuditLog, verifyAuditLogs } from '@keywrap/provider-local/audit';
import {
  importFolder,
  openWithPassphrase,
  passphraseFrom,
  SqlKeyStore,
} from '@keywrap/provider-local/store';
import { expect } from 'chai';

const EVIL = '{"polluted":"yes","keyId":"alias/evil"}';
/** As JSON.parse makes them: own properties, which a careless copy makes part of a prototype. */
const HOSTILE = [
  `{"__proto__":${EVIL}}`,
  `{"constructor":{"prototype":${EVIL}}}`,
  `{"prototype":${EVIL}}`,
  `{"__proto__":"x","constructor":"y","prototype":"z"}`,
];
const parsed = () => HOSTILE.map((json) => JSON.parse(json));

const METHODS = [
  'encrypt',
  'decrypt',
  'decryptAsymmetric',
  'reEncrypt',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'getPublicKey',
  'describeKey',
  'createKey',
  'importKeyMaterial',
  'enableKey',
  'disableKey',
  'rotateKey',
  'scheduleKeyDeletion',
  'cancelKeyDeletion',
  'createAlias',
  'updateAlias',
  'deleteAlias',
  'exportKeyMaterial',
] as const;

const OPERATIONS = [
  ...['CancelKeyDeletion', 'CreateAlias', 'CreateKey', 'Decrypt', 'DeleteAlias'],
  ...['DeleteImportedKeyMaterial', 'DescribeKey', 'DisableKey', 'DisableKeyRotation', 'EnableKey'],
  ...['EnableKeyRotation', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyPair'],
  ...['GenerateDataKeyPairWithoutPlaintext', 'GenerateDataKeyWithoutPlaintext', 'GenerateMac'],
  ...['GenerateRandom', 'GetKeyPolicy', 'GetKeyRotationStatus', 'GetParametersForImport'],
  ...['GetPublicKey', 'ImportKeyMaterial', 'ListAliases', 'ListKeyPolicies', 'ListKeyRotations'],
  ...['ListKeys', 'ListResourceTags', 'PutKeyPolicy', 'ReEncrypt', 'RotateKeyOnDemand'],
  ...['ScheduleKeyDeletion', 'Sign', 'TagResource', 'UntagResource', 'UpdateAlias'],
  ...['UpdateKeyDescription', 'Verify', 'VerifyMac'],
];

/** Everything on the prototypes that an object has, and what it is. */
const prototypes = () =>
  [Object, Function, Array, Map, Uint8Array].map(({ prototype }) =>
    Object.entries(Object.getOwnPropertyDescriptors(prototype)),
  );

describe('Input with __proto__, constructor or prototype as a key', () => {
  const before = prototypes();
  afterEach('pollutes nothing', () => {
    expect(prototypes()).to.deep.equal(before);
    expect({}).not.to.have.property('polluted');
  });

  it('is refused in the input and the options of every method', async () => {
    await using local = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
    const cached = withDataKeyCache(local, { maximumUses: 9, maximumBytes: 9, maximumAge: 9 });
    const kms = new KmsKeyWrapProvider({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' });
    for (const provider of [local, cached, kms] as unknown as Record<string, Method>[]) {
      for (const method of METHODS) {
        if (typeof provider[method] !== 'function') continue;
        for (const hostile of parsed()) {
          await expectRefused(() => provider[method]?.(hostile));
          await expectRefused(() => provider[method]?.({ keyId: 'alias/orders' }, hostile));
          const nested = { keyId: 'alias/orders', source: hostile, destination: hostile };
          await expectRefused(() => provider[method]?.(nested));
        }
      }
    }
    for (const hostile of parsed()) {
      await expectRefused(async () => new LocalKeyWrapProvider(hostile));
      await expectRefused(async () => new LocalKeyWrapProvider({ keys: [hostile] }));
      await expectRefused(async () => new KmsKeyWrapProvider(hostile));
      await expectRefused(async () => withDataKeyCache(local, hostile));
      await expectRefused(() => SqlKeyStore.open(hostile));
      await expectRefused(() => SqlKeyStore.create(hostile));
      await expectRefused(() => AuditLog.open(hostile));
      await expectRefused(() => verifyAuditLogs(hostile));
      await expectRefused(() => passphraseFrom(hostile));
      await expectRefused(() => openWithPassphrase(hostile));
      await expectRefused(() => importFolder(hostile));
      await expectRefused(() => startKmsServer(hostile));
      await expectRefused(() => startKmsServer({ port: 0, keys: [hostile] }));
    }
  });

  it('binds a ciphertext in an encryption context to that very key, or is refused', async () => {
    await using keys = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
    const call = { keyId: 'alias/orders', plaintext: Uint8Array.of(1) };
    await expectRefused(() =>
      keys.encrypt({ ...call, encryptionContext: JSON.parse('{"__proto__":"x"}') }),
    );
    const encryptionContext = JSON.parse('{"constructor":"x","prototype":"y"}');
    const { ciphertext } = await keys.encrypt({ ...call, encryptionContext });
    await expectRefused(() => keys.decrypt({ ciphertext }));
    using _ = await keys.decrypt({ ciphertext, encryptionContext });
  });

  it('does nothing in the body of any of the 39 operations of kms-server', async () => {
    expect(OPERATIONS).to.have.length(39);
    const server = await startKmsServer({ port: 0, keys: [{ alias: 'alias/orders' }] });
    try {
      for (const operation of OPERATIONS) {
        for (const json of HOSTILE) {
          const members = json.slice(1, -1);
          for (const body of [
            json,
            `{"KeyId":"alias/orders","Plaintext":"AQID","EncryptionContext":${json},${members}}`,
            `{"KeyId":"alias/orders","Policy":${JSON.stringify(json)},"Tags":[${json}]}`,
          ]) {
            const headers = { 'X-Amz-Target': `TrentService.${operation}` };
            const { status } = await fetch(server.url, { method: 'POST', headers, body });
            expect(status, `${operation} ${body}`).to.be.oneOf([200, 400]);
          }
        }
      }
    } finally {
      await server.close();
    }
  });

  it('does nothing in the rows and the audit log of a key store, written with its own key', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
    const open = () =>
      SqlKeyStore.open({
        location: path.join(folder, 'keys.db'),
        protectedBy: { passphrase: 'p' },
        create: true,
        scrypt: { cost: 2 ** 14, blockSize: 8, parallelization: 1 },
      });
    const logs = path.join(folder, 'logs');
    const store = await open();
    for (const hostile of parsed()) await expectRefused(() => store.openAuditLog(hostile));
    const log = await store.openAuditLog({ folder: logs });
    const provider = withAuditLog(new LocalKeyWrapProvider({ store }), log);
    const { keyId } = await provider.createKey();
    for (const hostile of parsed()) {
      await store.change({ keys: [keyId], aliases: [] }, (change) => {
        const key = change.key(keyId);
        if (key === undefined) throw new Error('there is no key');
        const tags = [{ key: '__proto__', value: 'constructor', ...hostile }];
        change.putKey({ ...key, tags, ...hostile });
      });
      await expectRefused(() => provider.encrypt({ keyId, ...hostile }));
      await expectRefused(() => provider.encrypt({ keyId, encryptionContext: hostile } as never));
    }
    await provider.close();
    await store.close();
    const again = await open();
    const key = await again.loadKey(keyId);
    expect(key?.keySpec).to.equal('SYMMETRIC_DEFAULT');
    expect(key?.tags).to.deep.equal([{ key: '__proto__', value: 'constructor' }]);
    expect((await again.verify()).damaged).to.deep.equal([]);
    const reports = await again.verifyAuditLogs(logs);
    expect(reports.map(({ problem }) => problem)).to.deep.equal([undefined]);
    await again.close();
    await rm(folder, { recursive: true });
  });

  it('is refused in the parameters of a URL', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', '__proto__[polluted]']) {
      for (const url of [`local:?${name}=yes`, `aws-kms://eu-west-1?${name}=yes`]) {
        await expectRefused(() => openKeyWrapProvider(url, [localScheme, kmsScheme]));
      }
    }
  });

  it('is refused in the arguments of every command, and in the files that they name', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
    const seed = path.join(folder, 'seed.json');
    await writeFile(seed, `[${HOSTILE[0]}]`);
    const commands = [
      ['kms-server/dist/cli.js', '--__proto__', 'x'],
      ['kms-server/dist/cli.js', '--port', '0', '--seed', seed],
      ['kms-server/dist/cli.js', '--port', '0', '--credentials', seed],
      ['provider-local/dist/cli/keywrap-store.js', '--__proto__=x'],
      ['provider-local/dist/cli/keywrap-store.js', '__proto__', folder],
      ['testkit/dist/command/main.js', '--__proto__', 'x'],
      ['testkit/dist/command/main.js', 'constructor'],
    ] as const;
    const runs = commands.map(async ([command, ...args]) => {
      const file = fileURLToPath(new URL(`../../../packages/${command}`, import.meta.url));
      const child = spawn(process.execPath, [file, ...args], { stdio: 'ignore' });
      const [code] = await once(child, 'close');
      expect(code, `${command} ${args}`).to.be.greaterThan(0);
    });
    await Promise.all(runs);
    await rm(folder, { recursive: true });
  });
});

type Method = (...args: unknown[]) => Promise<unknown>;

async function expectRefused(call: () => unknown): Promise<void> {
  let error: unknown;
  try {
    await call();
  } catch (reason) {
    error = reason;
  }
  expect(error).to.have.property('code').that.is.oneOf(['INVALID_INPUT', 'INVALID_CIPHERTEXT']);
}
