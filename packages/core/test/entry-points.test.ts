import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as core from '@keywrap/core';
import { expect } from 'chai';

const require = createRequire(import.meta.url);

/** Every module that the entry point reaches by static imports, and every other import. */
function reachableFrom(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (url: URL) => {
    if (files.has(url.href)) return;
    files.add(url.href);
    const source = readFileSync(url, 'utf8').replaceAll(/^\s*(\*|\/\/).*$/gm, '');
    for (const [, name = ''] of source.matchAll(/(?:from|import|import\()\s*["']([^"']+)["']/g)) {
      if (name.startsWith('.')) visit(new URL(name, url));
      else packages.add(name);
    }
  };
  visit(new URL(import.meta.resolve(entry)));
  return { files, packages };
}

describe('the entry points', () => {
  it('@keywrap/core needs no other package, and nothing of Node', () => {
    const { files, packages } = reachableFrom('@keywrap/core');
    expect(files.size).to.be.greaterThan(1);
    expect([...packages]).to.deep.equal([]);
  });

  it('@keywrap/core is a few files, because each takes its time when a process starts', () => {
    expect(reachableFrom('@keywrap/core').files.size).to.be.below(5);
  });

  it('@keywrap/core/inversify needs inversify and nothing else', () => {
    expect([...reachableFrom('@keywrap/core/inversify').packages]).to.deep.equal(['inversify']);
  });

  it('@keywrap/core loads where there is no TextEncoder and no Web Crypto, as in a simulated browser', () => {
    const program = `
      for (const name of ['TextEncoder', 'TextDecoder', 'crypto']) delete globalThis[name];
      const { formatKeyArn, serializeEncryptionContext } =
        await import(${JSON.stringify(import.meta.resolve('@keywrap/core'))});
      const scope = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
      console.log(formatKeyArn('a', scope), serializeEncryptionContext({ a: 'b' }).length);
    `;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    expect(stdout, stderr).to.equal('arn:aws:kms:eu-west-1:111122223333:key/a 8\n');
  });

  it('@keywrap/core loads in a program that can not load inversify', () => {
    const program = `
      import { registerHooks, register } from 'node:module';
      const refuse = "export async function resolve(name, context, next) {" +
        "if (name === 'inversify') throw new Error('inversify is not installed');" +
        "return next(name, context); }";
      register('data:text/javascript,' + encodeURIComponent(refuse));
      const { KeyNotFoundError } = await import(${JSON.stringify(import.meta.resolve('@keywrap/core'))});
      const refused = await import(${JSON.stringify(
        import.meta.resolve('@keywrap/core/inversify'),
      )}).then(() => 'loaded', (error) => error.message);
      console.log(new KeyNotFoundError('').code, refused);
    `.replace('registerHooks, ', '');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    expect(stdout, stderr).to.equal('KEY_NOT_FOUND inversify is not installed\n');
  });

  it('@keywrap/core has classes of the name that they are exported by, which errors and results show', () => {
    for (const [name, value] of Object.entries(core)) {
      if (typeof value === 'function') expect(value.name).to.equal(name);
    }
  });

  it('@keywrap/core exports values by these names, so that a change is a decision', () => {
    expect(Object.keys(core).sort()).to.deep.equal(EXPORTS);
  });

  it('@keywrap/core lets tools read its package.json', () => {
    expect(require('@keywrap/core/package.json')).to.include({ name: '@keywrap/core' });
  });
});

const EXPORTS = [
  'AbortError',
  'AccessDeniedError',
  'DATA_KEY_PAIR_SPECS',
  'DataKey',
  'DataKeyPair',
  'DecryptResult',
  'DriverProvider',
  'ENCRYPTION_ALGORITHMS',
  'FUNCTION_NAMES',
  'IN_PROCESS',
  'IncorrectKeyError',
  'InternalError',
  'InvalidCiphertextError',
  'InvalidInputError',
  'InvalidKeyUsageError',
  'KEY_ORIGINS',
  'KEY_SPECS',
  'KEY_STATES',
  'KEY_USAGES',
  'KEY_WRAP_PROVIDER',
  'KeyDisabledError',
  'KeyNames',
  'KeyNotFoundError',
  'KeyStateError',
  'KeyWrapError',
  'LIMITS',
  'NO_OPTIONS',
  'ProviderClosedError',
  'ProviderUnavailableError',
  'ThrottledError',
  'UnsupportedOperationError',
  'UntrustedKeyError',
  'algorithmsOf',
  'argumentProblem',
  'arnPrefix',
  'aroundEach',
  'askForCredential',
  'assertKeyEnabled',
  'assertKeyUsable',
  'assertProvider',
  'completeDriver',
  'copyBytes',
  'copyDate',
  'createProvider',
  'credentialErrorOf',
  'dataKeyLength',
  'encryptionAlgorithmsOf',
  'errorOfStatus',
  'failureOf',
  'formatAliasArn',
  'formatKeyArn',
  'guardKeys',
  'isAsymmetricAlgorithm',
  'isDataKeyPairSpec',
  'isDataKeySpec',
  'isDriverProvider',
  'isEncryptionAlgorithm',
  'isKeyArn',
  'isKeySpec',
  'isKeyWrapError',
  'isPlainObject',
  'isPromise',
  'isRsaKeySpec',
  'isRsaPublicKey',
  'isUint8Array',
  'keyUsagesOf',
  'limitOf',
  'loadPeer',
  'maximumPlaintextLength',
  'newSecret',
  'oaepHash',
  'openKeyWrapProvider',
  'ownField',
  'ownFields',
  'ownSecret',
  'parseCall',
  'parseGrantTokens',
  'parseKeyId',
  'parseKeyInput',
  'platformTimers',
  'reEncryptAcross',
  'readAliases',
  'readArray',
  'readBackendUrl',
  'readBytes',
  'readCount',
  'readDelay',
  'readEncryptionContext',
  'readFields',
  'readSafely',
  'readUrlNumber',
  'readUrlParameters',
  'registerErrorClass',
  'rejectUrlParts',
  'rsaKeySpecOf',
  'rsaModulusLength',
  'sealWithPublicKey',
  'serializeEncryptionContext',
  'wipe',
  'withAuditLog',
  'withCallDetails',
  'withLayer',
  'withTrustedKeys',
  'within',
];
