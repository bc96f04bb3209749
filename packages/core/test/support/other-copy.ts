import { fileURLToPath } from 'node:url';
import type * as core from '@keywrap/core';
import type * as cache from '@keywrap/core/data-key-cache';
import { build } from 'esbuild';

/** Loads another copy of the package, as a bundle of a service and one of a plugin have it; minified, as bundlers do it. */
export async function otherCopy(): Promise<typeof core & typeof cache> {
  const { outputFiles } = await build({
    stdin: {
      contents: "export * from '@keywrap/core'; export * from '@keywrap/core/data-key-cache';",
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  const text = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  return import(`data:text/javascript;base64,${text}`);
}
