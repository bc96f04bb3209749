import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { InstalledClient } from './clients.js';

/** The environment of a program, which configures its AWS SDK. */
export interface Surroundings {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

// For a program that hangs; a virtual machine may take a minute to start on a machine with other work.
const TIMEOUT = 300_000;

/** The error that the program reports; if KMS rejected the call, the name of its exception. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/**
 * A running program: it reads a line for each call, an operation and its arguments, and responds with
 * `ok` and the bytes in base64, or `error` and the name of the exception. One call at a time.
 */
export class Session {
  readonly client: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #complaints = '';

  constructor(client: InstalledClient, where: Surroundings) {
    this.client = client.name;
    const [executable = '', ...args] = client.command;
    this.#process = spawn(executable, args, { env: environmentFor(where) });
    this.#process.stderr.on('data', (text) => {
      this.#complaints = `${this.#complaints}${text}`.slice(-2000);
    });
    // The missing response shows that a program has ended.
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws {@link Rejected} */
  async call(operation: string, ...args: (string | Uint8Array)[]): Promise<Buffer> {
    const words = args.map((arg) =>
      typeof arg === 'string' ? arg : Buffer.from(arg).toString('base64'),
    );
    this.#process.stdin.write(`${[operation, ...words].join(' ')}\n`);
    const timer = setTimeout(() => this.#process.kill(), TIMEOUT);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`the program ended: ${this.#complaints.trim()}`);
    if (value.startsWith('ok ')) return Buffer.from(value.slice('ok '.length), 'base64');
    throw new Rejected(value.replace(/^error /, ''));
  }

  /** Programs end with their input, so that none outlives this one. */
  close(): void {
    this.#process.stdin.end();
  }
}

function environmentFor({ endpoint, region, accessKeyId, secretAccessKey }: Surroundings) {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  return {
    ...Object.fromEntries(others),
    KMS_ENDPOINT: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
    LC_ALL: 'C.UTF-8',
  };
}
