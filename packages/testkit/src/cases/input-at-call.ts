import { type CaseInput, casesOf } from '../case.js';
import { check } from '../expect.js';
import { allUses, type KeyUse } from '../key-uses.js';
import { wholeCalls } from '../whole-calls.js';
import { inputCopied } from './input-memory.js';

/** Changes everything in an input: bytes, pairs of a context, the fields of a side, and its own fields. */
function spoil(input: object): void {
  if (input instanceof Uint8Array) {
    input.fill(0);
    return;
  }
  for (const [name, value] of Object.entries(input)) {
    if (typeof value === 'object' && value !== null) spoil(value);
    Reflect.set(input, name, typeof value === 'number' ? 7 : 'spoiled');
  }
  Reflect.set(input, 'more', 'spoiled');
}

const useOf = (number: string) => allUses.find((use) => use.number === number) as KeyUse;

/** What holds for the input of every call, whatever is in it. */
export const inputAtCallCases = casesOf(
  inputCopied,
  wholeCalls.flatMap(({ number, prepare }): CaseInput[] => {
    const { title, needs } = useOf(number);
    return [
      {
        id: `MEM-6${number}`,
        title: `${title}: reads all its input at the call, before it returns its promise`,
        needs,
        async run(context) {
          const { input, start } = await prepare(context);
          const call = start();
          spoil(input);
          await call;
        },
      },
      {
        id: `MEM-7${number}`,
        title: `${title}: leaves all its input as it was`,
        needs,
        async run(context) {
          const { input, start } = await prepare(context);
          const before = JSON.stringify(input);
          await start();
          check(JSON.stringify(input) === before, 'input that is not changed', 'other input');
        },
      },
    ];
  }),
);
