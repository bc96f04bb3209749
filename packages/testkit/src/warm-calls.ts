import type { KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import { expectKeyArn } from './expect.js';
import { arnIn, type Fields, invoke, type KeyUse, type Result } from './key-use.js';
import { keyUses, namesOf, usesFor } from './operations.js';
import type { Known } from './round-trip.js';

/** A call that was made before, and can be made again. */
export interface Warm {
  readonly provider: KeyWrapProvider;
  readonly use: KeyUse;
  readonly input: Fields;
}

/** Returns the shared provider and, if the harness opens one, another over the same keys. */
export async function instancesOf(context: CaseContext): Promise<readonly KeyWrapProvider[]> {
  return context.reopens ? [context.provider, await context.reopen()] : [context.provider];
}

/**
 * Makes every call that uses a key, by each instance and under each name of the key, so that a cache has what it keeps.
 *
 * @param known A ciphertext of the key.
 */
export async function warmUp(
  context: CaseContext,
  known: Known,
  isWanted: (use: KeyUse) => boolean = () => true,
): Promise<readonly Warm[]> {
  const kind = known.algorithm?.startsWith('RSA') ? 'RSA_2048' : 'SYMMETRIC_DEFAULT';
  const uses = await usesFor(
    context,
    keyUses.filter((use) => use.kind === kind && isWanted(use)),
  );
  const instances = await instancesOf(context);
  const warm: Warm[] = [];
  for (const keyId of await namesOf(context, known.keyId)) {
    for (const use of uses) {
      const input = await use.input(context, { ...known, keyId });
      for (const provider of instances) {
        const each = { provider, use, input };
        for (let i = 0; i < 2; i++) expectKeyArn(arnIn(await callAgain(each), use), known.keyId);
        warm.push(each);
      }
    }
  }
  return warm;
}

/** Makes a call again. */
export function callAgain({ provider, use, input }: Warm): Promise<Result> {
  return invoke(provider, use, input);
}
