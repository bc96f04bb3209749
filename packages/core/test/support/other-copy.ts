import { fileURLToPath } from 'node:url';
import type * as core from '@keywrap/core';
import { build } from 'esbuild';

/** Loads another copy of the package: that of a plugin in the bundle of a service, say; minified, as bundlers do it. */
export async function loadOtherCopy(): Promise<typeof core> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve('@keywrap/core'))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  const text = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  return import(`data:text/javascript;base64,${text}`);
}
