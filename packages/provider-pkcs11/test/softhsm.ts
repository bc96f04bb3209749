import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { ArnScope } from '@keywrap/core';
import type { Pkcs11KeyWrapProviderOptions, Pkcs11Module } from '@keywrap/provider-pkcs11';
import type { Handle } from 'pkcs11js';
import { type Library, loadLibrary } from '#dist/library.js';

const CACHE = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
const BINDING = path.join(CACHE, 'keywrap', 'pkcs11js-2.1.7', 'package.json');

/** The library of SoftHSM, or another to test against. */
export const MODULE =
  process.env.KEYWRAP_TEST_PKCS11_MODULE ??
  ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so'].find(existsSync);

const loaded = loadBinding();

/** `pkcs11js`, compiled. */
export const pkcs11js = loaded as Pkcs11Module;

/** Says why there is no token to test against; undefined if there is one. */
export const MISSING =
  loaded === undefined || MODULE === undefined
    ? 'SoftHSM or pkcs11js is not installed (.ci/install-softhsm does it)'
    : undefined;

if (MISSING !== undefined && process.env.CI === 'true') throw new Error(MISSING);

/** Tests that need a token; skipped, with the reason, where there is none. */
export const describeWithToken = ((title: string, tests: (this: Mocha.Suite) => void) =>
  MISSING === undefined
    ? describe(title, tests)
    : describe.skip(`${title} - not run: ${MISSING}`, () =>
        it('needs a token'))) as Mocha.SuiteFunction;

export const SO_PIN = '87654321';
export const PIN = '12345678';

/** A new token, and the library, kept in use. */
export interface TestToken {
  readonly library: Library;
  /** It has another number after a reset. */
  readonly slot: Handle;
  readonly options: Pkcs11KeyWrapProviderOptions;
  /** Of the ARNs of its keys. */
  readonly scope: ArnScope;
  close(): Promise<void>;
}

/** Makes a token with a label of its own. The library reads its configuration when it is first loaded. */
export async function newToken(label: string): Promise<TestToken> {
  const folder = await tokenFolder();
  process.env.SOFTHSM2_CONF = path.join(folder, 'softhsm2.conf');
  const module = MODULE as string;
  const first = await loadLibrary(module, pkcs11js);
  const { calls, constants: c } = first;
  const slot = calls
    .C_GetSlotList(true)
    .find((each) => (calls.C_GetTokenInfo(each).flags & c.CKF_TOKEN_INITIALIZED) === 0);
  if (slot === undefined) throw new Error('there is no token to initialize');
  calls.C_InitToken(slot, SO_PIN, label.padEnd(32));
  const session = calls.C_OpenSession(slot, c.CKF_SERIAL_SESSION | c.CKF_RW_SESSION);
  calls.C_Login(session, c.CKU_SO, SO_PIN);
  calls.C_InitPIN(session, PIN);
  calls.C_Logout(session);
  calls.C_CloseSession(session);
  return {
    library: first,
    get slot() {
      return calls
        .C_GetSlotList(true)
        .find((each) => calls.C_GetTokenInfo(each).label.trim() === label) as Handle;
    },
    scope: {
      partition: 'pkcs11',
      region: label,
      account: calls.C_GetTokenInfo(slot).serialNumber.trim(),
    },
    options: { module, token: { label }, pin: PIN, pkcs11js },
    close: async () => first.release(),
  };
}

let folder: string | undefined;

async function tokenFolder(): Promise<string> {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(path.join(tmpdir(), 'keywrap-softhsm-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  await mkdir(path.join(made, 'tokens'));
  const lines = [
    `directories.tokendir = ${made}/tokens`,
    'objectstore.backend = file',
    'log.level = ERROR',
  ];
  writeFileSync(path.join(made, 'softhsm2.conf'), `${lines.join('\n')}\n`);
  folder = made;
  return made;
}

function loadBinding(): Pkcs11Module | undefined {
  try {
    return createRequire(BINDING)('pkcs11js');
  } catch {
    return undefined;
  }
}
