import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as () => void;

/** True once the garbage collector has taken an object. */
export async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    await setImmediate();
    collectGarbage();
    if (reference.deref() === undefined) return true;
  }
  return false;
}
