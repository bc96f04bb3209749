// Without `--main-fields=module,main`, an ES module by esbuild can't load the AWS SDK, with keywrap or without: keywrap
// loads it with the first call, and says what to do.
import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const SDK_ALONE = "export { KMSClient } from '@aws-sdk/client-kms';";
const KEYWRAP = `
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
export const call = () => new KmsKeyWrapProvider().describeKey({ keyId: 'alias/a' });`;

async function bundled(name, contents) {
  const outfile = path.resolve(`out/${name}.mjs`);
  await esbuild.build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}

await assert.rejects(bundled('sdk', SDK_ALONE), /^Error: Dynamic require of "node:\w+"/);
const { call } = await bundled('keywrap', KEYWRAP);
await assert.rejects(call(), { code: 'INTERNAL', message: /--main-fields=module,main/ });
