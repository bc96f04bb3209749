import { runCommand } from '#dist/cli/run-command.js';

/** What a run of the command did. */
export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the command in this process: to start a hundred processes would take most of the time of its tests.
 *
 * @param env Variables that it finds in its environment, besides those of this process.
 */
export async function runWith(env: Record<string, string>, ...args: string[]): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const before = new Map(Object.keys(env).map((name) => [name, process.env[name]]));
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  const collect =
    (name: keyof typeof written): typeof process.stdout.write =>
    (text: string | Uint8Array) => {
      written[name] += text;
      return true;
    };
  Object.assign(process.env, env);
  process.stdout.write = collect('stdout');
  process.stderr.write = collect('stderr');
  try {
    return { status: await runCommand(args), ...written };
  } finally {
    process.stdout.write = writes.stdout;
    process.stderr.write = writes.stderr;
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
