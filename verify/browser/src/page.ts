import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, openBrowser } from './chromium.js';

// Takes one program after the other from the server, and returns what each resolves to.
const HTML = `<!doctype html><meta charset="utf-8"><title>keywrap</title><script type="module">
for (;;) {
  const response = await fetch('/program');
  if (!response.ok) break;
  const source = await response.text();
  const answer = await Promise.resolve()
    .then(() => new Function(source + '; return program.result')())
    .then((result) => ({ result }), (error) => ({ error: String(error?.stack ?? error) }));
  await fetch('/result', { method: 'POST', body: JSON.stringify(answer) });
}
</script>`;

const BUFFER = fileURLToPath(new URL('buffer.js', import.meta.url));

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** A page in a browser that runs programs. One at a time. */
export class Page {
  readonly #server = createServer((request, response) => void this.#respond(request, response));
  #browser: Browser | undefined;
  #waiting: ServerResponse | undefined;
  #program: string | undefined;
  #settle: ((answer: Answer) => void) | undefined;

  static async open(chromium: string): Promise<Page> {
    const page = new Page();
    await new Promise<void>((resolve) => page.#server.listen(0, '127.0.0.1', resolve));
    const { port } = page.#server.address() as AddressInfo;
    page.#browser = await openBrowser(chromium, `http://127.0.0.1:${port}/`);
    return page;
  }

  /**
   * Bundles a program for browsers, as a stranger's build would, and runs it in the page.
   *
   * @param imports Import statements.
   * @param body Statements of an async function; what it returns has to have JSON.
   * @param likeNode Gives the program the globals `global` and `Buffer` of Node.js, which packages of others may need.
   * @throws what the program throws, as text.
   */
  async run(imports: string, body: string, { likeNode = false } = {}): Promise<unknown> {
    const { outputFiles } = await build({
      stdin: {
        contents: `${imports}\nexport const result = (async () => { ${body} })();`,
        resolveDir: fileURLToPath(new URL('..', import.meta.url)),
      },
      bundle: true,
      ...(likeNode ? { define: { global: 'globalThis' }, inject: [BUFFER] } : {}),
      platform: 'browser',
      format: 'iife',
      globalName: 'program',
      logLevel: 'silent',
      write: false,
    });
    const answer = new Promise<Answer>((resolve) => {
      this.#settle = resolve;
    });
    this.#program = outputFiles[0]?.text;
    this.#send();
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return result;
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Gives the program to the page, once both are there. */
  #send(): void {
    if (this.#waiting === undefined || this.#program === undefined) return;
    this.#waiting.end(this.#program);
    this.#waiting = undefined;
    this.#program = undefined;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/program') {
      response.setHeader('Content-Type', 'text/plain; charset=utf-8');
      this.#waiting = response;
      this.#send();
      return;
    }
    if (request.url === '/result') {
      const answer: Answer = JSON.parse(await text(request));
      response.end();
      this.#settle?.(answer);
      return;
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(HTML);
  }
}
