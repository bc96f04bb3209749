import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { administerStore } from './administer-store.js';
import { callEverything } from './every-call.js';
import { SUBJECTS } from './subjects.js';
import { useEnvelope } from './use-envelope.js';

// Puts an accessor on Object.prototype for every name that the product's code has in it, calls every
// method of every provider, and prints which code of the product reads which name from there. What is
// read there, somebody who can pollute the prototype can set.

const FOLDERS = ['core', 'envelope', 'provider-local', 'provider-kms', 'kms-server'].map((name) =>
  path.dirname(fileURLToPath(import.meta.resolve(`@keywrap/${name}`))),
);

/** What the language itself looks for in any object, whoever wrote the code around it. */
const LANGUAGE = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['then', 'toJSON', 'return', 'get', 'set', 'value', 'writable', 'enumerable', 'configurable'],
  ...['name', 'length'],
  // The AWS SDK asks its endpoint for this with `in`, and fails when everything has it.
  'url',
];

const reads = new Set<string>();
let isLooking = false;
// Before it is watched, everything is loaded that is loaded when it is needed: modules may do as they like then.
await useEverything();
for (const name of wordsOf(FOLDERS)) watch(name);
await useEverything();
console.log(JSON.stringify([...reads].sort()));
process.exit(0);

async function useEverything(): Promise<void> {
  for (const open of Object.values(SUBJECTS)) {
    const subject = await open();
    await callEverything(subject.provider);
    await subject[Symbol.asyncDispose]();
  }
  await administerStore();
  await useEnvelope();
}

function wordsOf(folders: readonly string[]): Set<string> {
  const words = new Set<string>();
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.js')) continue;
      const code = readFileSync(path.join(folder, file), 'utf8');
      for (const [word] of code.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word);
    }
  }
  for (const word of LANGUAGE) words.delete(word);
  return words;
}

function watch(name: string): void {
  const get = () => {
    // Node.js reads some while it writes the stack trace down.
    if (isLooking) return undefined;
    isLooking = true;
    const reader = readerOf(get);
    if (reader !== undefined) reads.add(`${reader} ${name}`);
    isLooking = false;
    return undefined;
  };
  function set(this: object, value: unknown): void {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(this, name, Object.assign(Object.create(null), own));
  }
  Object.defineProperty(Object.prototype, name, { get, set, configurable: true });
}

/** The source file of the product that read it, from its package on. */
function readerOf(accessor: () => unknown): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, accessor);
  Error.stackTraceLimit = stackTraceLimit;
  return /packages[\\/](.*\.ts):/.exec(trace.stack ?? '')?.[1]?.replaceAll('\\', '/');
}
