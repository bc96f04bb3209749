import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyWrapProvider } from '@keywrap/core';
import { check, type Verdict } from './check.js';
import { pollutions, whilePolluted } from './pollutions.js';
import { connectTo, SUBJECTS, type Subject, WRONG_KEY } from './subjects.js';

// Uses every provider while Object.prototype is polluted, with one name after the other, and prints what
// each did: { subject: { name: verdict } }. With a URL as an argument, provider-kms alone, against the
// server there, which nothing has polluted.

/**
 * With the first two, Node.js's own sockets and the SDK's promises end the process, whatever we do. The
 * last is a function: whoever can put one there runs code here, and the SDK writes what it says.
 */
const LOST_IN_SDK = ['signal', 'then', 'toJSON'];

const CONNECTING = 'provider-kms, connected while polluted';
/** What connecting looks at. */
const OPTIONS = [
  ...['region', 'endpoint', 'credentials', 'profile', 'client', 'grantTokens', 'GrantTokens'],
  ...['keyId', 'KeyId', 'encryptionContext', 'EncryptionContext', 'value', 'hasOwnProperty'],
];

const [url] = process.argv.slice(2);
const subjects =
  url === undefined
    ? Object.entries(SUBJECTS).filter(([title]) => !title.startsWith('provider-kms'))
    : [
        ['provider-kms', async () => of(connectTo(url))] as const,
        [CONNECTING, async () => of(connectingTo(url))] as const,
      ];
const report: Record<string, Record<string, Verdict>> = {};
let strays = 0;
const elsewhere = createServer((_, response) => {
  strays++;
  response.end();
});
await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;

for (const [title, open] of subjects) {
  const subject = await open();
  const { keyId: wrongArn } = await subject.provider
    .describeKey({ keyId: WRONG_KEY })
    .catch(() => ({ keyId: 'arn:aws:kms:us-east-1:111122223333:key/wrong' }));
  const verdicts: Record<string, Verdict> = {};
  for (const [name, value] of Object.entries(pollutions(wrongArn, endpoint))) {
    if (title === CONNECTING && !OPTIONS.includes(name)) continue;
    if (url !== undefined && LOST_IN_SDK.includes(name)) continue;
    verdicts[name] = await check(subject.provider, (work) => whilePolluted(name, value, work));
  }
  report[title] = verdicts;
  await subject[Symbol.asyncDispose]();
}
console.log(JSON.stringify({ report, strays }));
process.exit(0);

function of(provider: KeyWrapProvider): Subject {
  return { provider, [Symbol.asyncDispose]: async () => {} };
}

/** Connects for each call anew, and closes at once: a server takes only so many connections. */
function connectingTo(url: string): KeyWrapProvider {
  return new Proxy(connectTo(url), {
    get:
      (_, method) =>
      async (...args: unknown[]) => {
        await using provider = connectTo(url);
        return (await Reflect.apply(Reflect.get(provider, method), provider, args)) as unknown;
      },
  });
}
