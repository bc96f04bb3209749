import type { FuzzTarget } from '#dist/target.js';

/** Code that fails behind three conditions, each of which another input has to be found for. */
function parseInSteps(bytes: Uint8Array): void {
  if (bytes[0] !== 1) return;
  if (bytes[1] !== 2) return;
  if (bytes[2] === 4) throw new Error('the planted failure');
}

const wanted = 'W';
const isWanted = (bytes: Uint8Array) => Buffer.from(bytes).includes(wanted);
const kept: unknown[] = [];

const planted = (name: string, run: (input: Uint8Array) => void | Promise<void>): FuzzTarget => ({
  name,
  words: [wanted],
  open: async () => ({ seeds: [new Uint8Array(8)], run }),
});

/** Targets with a failure of each kind. */
export const targets: readonly FuzzTarget[] = [
  planted('steps', parseInSteps),
  planted('sound', () => {}),
  planted('hang', (input) => {
    while (isWanted(input));
  }),
  planted('memory', (input) => {
    while (isWanted(input)) kept.push(new Array(100_000).fill(kept.length));
  }),
  planted('rejection', (input) => {
    if (isWanted(input)) void Promise.reject(new Error('no one awaits it'));
  }),
];
