// Started by the benchmark memory-server-soak with --expose-gc; prints its rounds as JSON.
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startKmsServer } from '@keywrap/kms-server';
import { readHeap } from '../heap.js';

const DAY = 24 * 60 * 60 * 1000;
const [few = 0, many = 0] = process.argv.slice(2).map(Number);
/** So large that a key that stays in memory shows. */
const Description = 'x'.repeat(8_000);

let now = Date.now();
let count = 0;
const server = await startKmsServer({ port: 0, now: () => new Date(now) });
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** Sends a request, and returns the response, whatever it is. */
async function call(operation: string, members: object, region = 'us-east-1') {
  const headers = {
    'X-Amz-Target': `TrentService.${operation}`,
    Authorization: `AWS4-HMAC-SHA256 Credential=a/20300101/${region}/kms/aws4_request`,
  };
  const options = { agent, port: server.port, host: '127.0.0.1', method: 'POST', headers };
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request(options, resolve).on('error', reject).end(JSON.stringify(members));
  });
  const body = await text(response);
  return body === '' ? {} : JSON.parse(body);
}

/** Creates, uses and deletes a key, and asks for what nobody has. */
async function live(): Promise<void> {
  count += 1;
  const invented = `invented-${count}-${'x'.repeat(200)}`;
  const region = count % 2 === 0 ? 'us-east-1' : `eu-west-${count}`;
  const { KeyMetadata } = await call('CreateKey', { Description }, region);
  const KeyId = KeyMetadata.Arn;
  const AliasName = `alias/${count}`;
  await call('CreateAlias', { AliasName, TargetKeyId: KeyId }, region);
  const { CiphertextBlob } = await call('Encrypt', { KeyId, Plaintext: 'AQID' }, region);
  await call('RotateKeyOnDemand', { KeyId }, region);
  await call('Decrypt', { CiphertextBlob }, region);
  await call('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 }, region);
  await call('DescribeKey', { KeyId: crypto.randomUUID() });
  await call('DescribeKey', { KeyId: `alias/${invented}` });
  await call('CreateAlias', { AliasName: `alias/${invented}`, TargetKeyId: crypto.randomUUID() });
  await call('ListKeys', {}, `ap-south-${count}`);
  await call(invented, {});
  await call('Encrypt', { KeyId: invented, Plaintext: 'AQID', [invented]: invented });
  now += 8 * DAY;
}

while (count < few) await live();
const reference = await readHeap();
while (count < many) await live();
const ours = await readHeap();
agent.destroy();
await server.close();
console.log(JSON.stringify({ ours, reference }));
