import { EventEmitter, once } from 'node:events';
import { logJsonLines, type RequestLog } from '@keywrap/kms-server';
import { expect } from 'chai';
import { Run } from './run-command.js';
import { post, start } from './support.js';

const entry = (key: string): RequestLog => ({
  time: '2030-01-01T00:00:00.000Z',
  requestId: 'id',
  operation: 'Encrypt',
  key,
  outcome: 'ok',
  duration: 1,
});
/** Timers of a process end in the sequence of their times. */
const written = () => new Promise((resolve) => setTimeout(resolve, 20));

/** A reader that takes lines as slowly as a test says. */
class Reader extends EventEmitter {
  text = '';
  isSlow = false;

  write(text: string): boolean {
    this.text += text;
    return !this.isSlow;
  }

  get keys(): string[] {
    const lines = this.text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line).key);
  }
}

describe('The log', () => {
  afterEach(() => Run.killAll());

  it('is one line for each entry, whatever a request has for a key', async () => {
    const reader = new Reader();
    const log = logJsonLines(reader);
    // Line breaks of Unicode, controls of a terminal, changes of direction, a mark of byte order.
    const keys = [
      '\n\r',
      '\u2028\u2029\u0085',
      '\u001b[2J\u009b2J\u007f',
      '\u202e\u2066',
      '\ufeff',
      'é"\\',
    ];
    for (const key of keys) log(entry(key));
    await written();
    expect(reader.keys).to.deep.equal(keys);
    expect(reader.text.split(/[\n\r\u2028\u2029\u0085]/)).to.have.length(keys.length + 1);
    expect(reader.text).not.to.match(/(?!\n)\p{Cc}|[\u200f-\u206f\ufeff]/u);
    expect(reader.text).to.include('é');
  });

  it('waits for nobody: lines beyond 10,000 are dropped while a reader is slow', async () => {
    const reader = new Reader();
    const log = logJsonLines(reader);
    reader.isSlow = true;
    log(entry('first'));
    await written();
    for (let i = 0; i < 20_000; i++) log(entry(String(i)));
    await written();
    expect(reader.keys).to.deep.equal(['first']);
    reader.isSlow = false;
    reader.emit('drain');
    log(entry('last'));
    await written();
    expect(reader.keys).to.have.length(10_002);
    expect(reader.keys.at(-1)).to.equal('last');
  });

  it('ends when its reader goes away, and nothing else does', async () => {
    const reader = new Reader();
    const log = logJsonLines(reader);
    log(entry('first'));
    await written();
    reader.emit('error', new Error('EPIPE'));
    log(entry('second'));
    await written();
    expect(reader.keys).to.deep.equal(['first']);

    const run = new Run('--port', '0');
    const url = await run.url();
    run.child.stdout.destroy();
    run.child.stderr.destroy();
    for (let i = 0; i < 20; i++) {
      expect((await post(url, 'TrentService.ListKeys', '{}')).status).to.equal(200);
    }
    run.child.kill('SIGTERM');
    if (run.child.exitCode === null) await once(run.child, 'exit');
    expect(run.child.exitCode).to.equal(0);
  });

  it('goes on when a slow reader reads again, and keeps no process alive for one that never does', async () => {
    const run = new Run('--port', '0');
    const url = await run.url();
    const body = JSON.stringify({ KeyId: `alias/${'a'.repeat(240)}` });
    // More lines than a pipe holds.
    const fill = async () => {
      run.child.stderr.pause();
      for (let i = 0; i < 60; i++) {
        const calls = Array.from({ length: 25 }, () => post(url, 'TrentService.DescribeKey', body));
        await Promise.all(calls);
      }
    };
    await fill();
    run.child.stderr.resume();
    do {
      await post(url, 'TrentService.ListAliases', '{}');
    } while (!run.stderr.includes('ListAliases'));
    await fill();
    run.child.kill('SIGTERM');
    if (run.child.exitCode === null) await once(run.child, 'exit');
    expect(run.child.exitCode).to.equal(0);
  });

  it('may fail: its request does not', async () => {
    await using subject = await start({
      log: () => {
        throw new Error('the disk is full');
      },
    });
    const { url } = subject.server;
    for (let i = 0; i < 3; i++) {
      expect((await post(url, 'TrentService.ListKeys', '{}')).status).to.equal(200);
    }
  });
});
