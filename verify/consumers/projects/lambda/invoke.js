// Invokes the bundled function as Lambda does, without any package in reach, against AWS KMS on this machine.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startKmsServer } from '@keywrap/kms-server';

const server = await startKmsServer({ region: 'eu-west-1', keys: [{ alias: 'alias/orders' }] });
Object.assign(process.env, {
  AWS_ENDPOINT_URL_KMS: server.url,
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
});
const folder = mkdtempSync(path.join(tmpdir(), 'keywrap-lambda-'));
try {
  cpSync('dist', folder, { recursive: true });
  for (const file of ['handler.mjs', 'handler.cjs']) {
    const { handler } = await import(pathToFileURL(path.join(folder, file)).href);
    const answer = await handler({ keyId: 'alias/orders', record: '7' });
    assert.ok(Buffer.from(answer.wrappedKey ?? '', 'base64').length > 32, JSON.stringify(answer));
    assert.deepEqual(await handler({ keyId: 'alias/none', record: '7' }), {
      error: 'KeyNotFoundError',
      code: 'KEY_NOT_FOUND',
    });
  }
} finally {
  rmSync(folder, { recursive: true });
  await server.close();
}
