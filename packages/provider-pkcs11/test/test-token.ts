import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  configure();
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

/** The slots of kryoptic: it has as many as its configuration names. */
const SLOTS = 8;

let folder: string | undefined;

/** Gives SoftHSM and kryoptic a folder for their tokens, which is deleted when the process ends. */
function configure(): void {
  if (folder !== undefined) return;
  const made = mkdtempSync(path.join(tmpdir(), 'keywrap-pkcs11-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  mkdirSync(path.join(made, 'tokens'));
  process.env.SOFTHSM2_CONF = path.join(made, 'softhsm2.conf');
  const lines = [
    `directories.tokendir = ${made}/tokens`,
    'objectstore.backend = file',
    'log.level = ERROR',
  ];
  writeFileSync(process.env.SOFTHSM2_CONF, `${lines.join('\n')}\n`);
  process.env.KRYOPTIC_CONF = path.join(made, 'kryoptic.conf');
  const slots = Array.from({ length: SLOTS }, (_, slot) =>
    ['[[slots]]', `slot = ${slot}`, `dbtype = "sqlite"`, `dbargs = "${made}/${slot}.sql"`].join(
      '\n',
    ),
  );
  writeFileSync(process.env.KRYOPTIC_CONF, `${slots.join('\n')}\n`);
}

function loadBinding(): Pkcs11Module | undefined {
  try {
    return createRequire(BINDING)('pkcs11js');
  } catch {
    return undefined;
  }
}
