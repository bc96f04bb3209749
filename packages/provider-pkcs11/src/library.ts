import { InvalidInputError, loadPeer } from '@keywrap/core';
import type { PKCS11 } from 'pkcs11js';
import { codeOf } from './errors.js';
import type { Pkcs11Module } from './options.js';

/** A loaded PKCS#11 library, with the constants of `pkcs11js`. */
export interface Library {
  readonly constants: Pkcs11Module;
  readonly calls: PKCS11;
  /** Ends the use of the library. */
  release(): void;
}

/** The libraries in use: one is initialised once in a process (PKCS#11 §5.4), however many providers use it. */
const IN_USE = new Map<string, Initialized & { users: number }>();

interface Initialized {
  readonly calls: PKCS11;
  /** False if it was initialised by somebody else in this process, or by another path: it is not ours to finalise. */
  readonly isOurs: boolean;
}

/**
 * Loads and initialises a library, or shares the one that is loaded.
 *
 * @throws {@link InvalidInputError} when the path is not that of a PKCS#11 library.
 */
export async function loadLibrary(path: string, given?: Pkcs11Module): Promise<Library> {
  const constants = given ?? (await loadPkcs11Js());
  const known = IN_USE.get(path);
  const entry = known ?? { ...initialize(constants, path), users: 0 };
  entry.users++;
  IN_USE.set(path, entry);
  return {
    constants,
    calls: entry.calls,
    release() {
      if (--entry.users > 0) return;
      IN_USE.delete(path);
      if (entry.isOurs) entry.calls.C_Finalize();
    },
  };
}

async function loadPkcs11Js(): Promise<Pkcs11Module> {
  const loaded: Pkcs11Module & { readonly default?: Pkcs11Module } = await loadPeer(
    'pkcs11js',
    () => import('pkcs11js'),
    'install it, and let its install script compile it',
  );
  return loaded.default ?? loaded;
}

function initialize(constants: Pkcs11Module, path: string): Initialized {
  const calls = new constants.PKCS11();
  try {
    calls.load(path);
  } catch (cause) {
    throw new InvalidInputError('options.module', 'is not the path of a PKCS#11 library', {
      cause,
    });
  }
  try {
    calls.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK });
    return { calls, isOurs: true };
  } catch (error) {
    if (codeOf(error) !== constants.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
    return { calls, isOurs: false };
  }
}
