import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { check, type Verdict } from '#dist/pollution/check.js';
import { pollutions } from '#dist/pollution/pollutions.js';
import { connectTo, startServer, WRONG_KEY } from '#dist/pollution/subjects.js';
import { runProgram } from '#dist/run-program.js';

type Verdicts = Readonly<Record<string, Verdict>>;
interface Report {
  readonly report: Readonly<Record<string, Verdicts>>;
  /** Requests that reached the endpoint on the prototype. */
  readonly strays: number;
}

/** The names under which something did something else than it was asked. */
const misled = (verdicts: Verdicts) =>
  Object.entries(verdicts).filter(([, { outcome }]) => outcome === 'is misled');

const refused = (verdicts: Verdicts) =>
  Object.keys(verdicts).filter((name) => verdicts[name]?.outcome === 'refuses');

describe('A process whose Object.prototype is polluted', () => {
  it('has no code of ours read a name from there, but where it is sorted out', async () => {
    const reads = await runProgram<string[]>('pollution/inherited-reads', {
      flags: ['--enable-source-maps'],
    });
    const unexpected = reads.filter((read) => !read.startsWith(SORTED_OUT));
    expect(unexpected).to.deep.equal([]);
    // It sees what is read: these are reads that are meant to be.
    expect(reads).to.include('core/src/provider/read-fields.ts keyId');
  });

  it('encrypts and decrypts under the key and the context that it names, with provider-local, the key store, the cache and trusted keys', async () => {
    const { report } = await runProgram<Report>('pollution/polluted');
    expect(Object.keys(report)).to.have.length(5);
    for (const [subject, verdicts] of Object.entries(report)) {
      expect(misled(verdicts), subject).to.deep.equal([]);
      // Nothing can be awaited, and no object be told from another: no call gets anywhere.
      expect(refused(verdicts), subject).to.deep.equal(['then', 'toString']);
    }
  });

  it('sends nothing elsewhere, as nobody else and under no other key, with provider-kms', async () => {
    const server = await startServer();
    try {
      const args = [server.url];
      const { report, strays } = await runProgram<Report>('pollution/polluted', { args });
      expect(Object.keys(report)).to.have.length(2);
      for (const [subject, verdicts] of Object.entries(report)) {
        expect(misled(verdicts), subject).to.deep.equal([]);
        // Where the SDK itself goes astray, the call is refused.
        const ours = refused(verdicts).filter((name) => !ASTRAY_IN_SDK.includes(name));
        expect(ours, subject).to.deep.equal([]);
      }
      expect(strays).to.equal(0);
    } finally {
      await server.close();
    }
  });

  it('answers what it is asked, or refuses, with kms-server', async () => {
    const file = fileURLToPath(import.meta.resolve('#dist/pollution/polluted-server.js'));
    const child = fork(file, { env: { ...process.env, NODE_V8_COVERAGE: '' }, execArgv: [] });
    const [url] = (await once(child, 'message')) as [string];
    const provider = connectTo(url);
    const verdicts: Record<string, Verdict> = {};
    try {
      for (const name of Object.keys(pollutions(WRONG_KEY, url))) {
        if (FATAL_TO_SERVERS.includes(name)) continue;
        verdicts[name] = await check(provider, (work) => whileServerIs(child, name, work));
      }
    } finally {
      await provider.close();
      child.kill();
    }
    expect(misled(verdicts)).to.deep.equal([]);
    expect(refused(verdicts)).to.deep.equal(['then', 'toJSON']);
  });
});

/** What is read there is compared with what the prototype has. */
const SORTED_OUT = 'core/src/provider/read-fields.ts ';

const ASTRAY_IN_SDK = ['endpoint', 'toString', 'hasOwnProperty', 'value'];

/** With these, Node.js's own sockets and pipes end the process, whatever we do. */
const FATAL_TO_SERVERS: readonly string[] = ['signal'];

async function whileServerIs<T>(
  child: ChildProcess,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const tell = async (text: string) => {
    const told = once(child, 'message', { signal: AbortSignal.timeout(120_000) });
    child.send(text);
    await told;
  };
  await tell(name);
  try {
    return await work();
  } finally {
    await tell('');
  }
}
