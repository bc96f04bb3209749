// Started by the floor of kms-server-throughput: node:http that answers GenerateDataKey with nothing but the
// cryptography: no signature, no check, no state, one key. Prints its URL.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bareSeal, prepare } from '../bare-xaes.js';

const KeyId = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const id = KeyId.slice(-36);
const key = prepare(randomBytes(32));

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { EncryptionContext } = JSON.parse(Buffer.concat(chunks).toString());
    const [[name, value]] = Object.entries(EncryptionContext) as [[string, string]];
    const plaintext = randomBytes(32);
    const body = JSON.stringify({
      CiphertextBlob: bareSeal(key, id, plaintext, name, value).toString('base64'),
      Plaintext: plaintext.toString('base64'),
      KeyId,
    });
    response.writeHead(200, {
      'Content-Type': 'application/x-amz-json-1.1',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
