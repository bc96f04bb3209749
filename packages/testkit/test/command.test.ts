import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runCommand } from '#dist/command/command.js';
import { Progress } from '#dist/command/progress.js';
import { type CaseResult, conformanceCases, runConformance } from '#dist/index.js';
import { wrapped } from './support/reference.js';

const moduleOf = (name: string) =>
  fileURLToPath(new URL(`support/modules/${name}.js`, import.meta.url));

function screen(isTTY = false) {
  const written: string[] = [];
  return {
    isTTY,
    columns: 60,
    write: (text: string) => written.push(text),
    text: () => written.join(''),
  };
}

async function run(...args: string[]) {
  const [stdout, stderr] = [screen(), screen()];
  const code = await runCommand(args, stdout, stderr);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

const CONTEXT = ['--only', 'CTX-101', '--only', 'CTX-203', '--only', 'ROT-001'];

describe('keywrap-conformance', () => {
  for (const form of ['a-class', 'a-function', 'an-instance', 'a-harness']) {
    it(`tests ${form.replace('-', ' ')}, which closes and opens again`, async () => {
      const { code, stdout } = await run(moduleOf(form), '--only', 'CLO-', '--only', 'ENC-001');
      const count = conformanceCases.filter(({ id }) => /^(CLO-|ENC-001)/.test(id)).length;
      const last = stdout.trimEnd().split('\n').at(-1);
      expect(last).to.equal(`${count} passed, 0 failed, 0 not applicable`);
      expect(code).to.equal(0);
    });
  }

  it('uses the methods that a key manager has, and reports the rest as not applicable', async () => {
    const { stdout } = await run(moduleOf('a-class'), '--only', 'DIS-1');
    expect(stdout).to.include('the harness has no keys.enable');
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal('1 passed, 0 failed, 1 not applicable');
  });

  it('exits with 1 when a case fails, and reports the case, the reason and how to repeat it', async () => {
    const { code, stdout } = await run(moduleOf('a-forgetful-provider'), ...CONTEXT);
    expect(code).to.equal(1);
    expect(stdout).to.match(/^FAILED {2}encryption-context +1 passed, 1 failed$/m);
    for (const label of ['done: ', 'expected: ', 'came: ', 'rule: ', 'repeat: ']) {
      expect(stdout).to.include(label);
    }
    expect(stdout).to.include('encrypt_context.html');
  });

  it('writes Markdown', async () => {
    const { stdout } = await run(moduleOf('a-harness'), ...CONTEXT, '--format', 'markdown');
    expect(stdout).to.include('# Conformance of by harness\n');
    expect(stdout).to.match(/^\| ✅ \| \[encryption-context\]\(https.*\| 2 passed \|$/m);
  });

  it('writes JSON', async () => {
    const args = [moduleOf('a-forgetful-provider'), ...CONTEXT, '--format', 'json', '--seed', '5'];
    const report = JSON.parse((await run(...args)).stdout);
    expect(report).to.include({ provider: 'forgetful <&>', seed: 5, passed: 2, failed: 1 });
    const [failed] = report.cases.filter(({ status }: { status: string }) => status === 'failed');
    const parts = ['done', 'expected', 'came', 'causes', 'source', 'repeat'];
    expect(failed.failure).to.have.all.keys(...parts);
  });

  it('writes JUnit XML to a file', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'keywrap-junit-'));
    try {
      const output = path.join(folder, 'report.xml');
      const args = [moduleOf('a-forgetful-provider'), ...CONTEXT, '--format', 'junit'];
      expect((await run(...args, '--output', output)).stdout).to.equal('');
      const xml = readFileSync(output, 'utf8');
      expect(xml).to.include('<testsuites name="forgetful &lt;&amp;&gt;" tests="3" failures="1"');
      expect(xml).to.include('<failure message="expected a rejection');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says how to repeat a failed case alone, and that command does', async () => {
    const module = moduleOf('a-forgetful-provider');
    const { stdout } = await run(module, ...CONTEXT);
    const args = /^ {2}repeat: +npx keywrap-conformance (.+)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
    expect(args).to.include.members([module, '--only', 'CTX-203', '--seed']);
    const again = await run(...args);
    expect(again.stdout.trimEnd().split('\n').at(-1)).to.equal(
      '0 passed, 1 failed, 0 not applicable',
    );
  });

  it('lists the cases of a profile or a rule, and runs none', async () => {
    const { code, stdout } = await run('--list');
    expect(code).to.equal(0);
    const inFull = conformanceCases.filter(({ profile }) => profile !== 'soak');
    for (const { id, title, rule } of inFull) {
      expect(stdout)
        .to.include(`${id.padEnd(9)} ${title}`)
        .and.include(rule.id);
    }
    const quick = await run('--list', '--profile', 'quick', '--only', 'current-state');
    expect(quick.stdout.trimEnd().split('\n').at(-1)).to.equal('2 cases of 1 rules');
  });

  it('runs the cases of a rule that is named', async () => {
    const { stdout } = await run(moduleOf('a-class'), '--only', 'ciphertext-length');
    const count = conformanceCases.filter(({ rule }) => rule.id === 'ciphertext-length').length;
    expect(stdout.trimEnd().split('\n').at(-1)).to.match(new RegExp(`^${count} passed, 0 failed`));
  });

  it('stops after the first failure with --bail', async () => {
    const { code, stdout } = await run(moduleOf('a-forgetful-provider'), '--only', 'CTX', '--bail');
    expect(code).to.equal(1);
    expect(stdout).to.match(/^\d+ cases did not run$/m);
  });

  it('runs the cases about caches with the cache of the harness', async () => {
    const { stdout } = await run(moduleOf('a-harness-with-a-cache'), '--only', 'DKC');
    const count = conformanceCases.filter(({ id }) => id.startsWith('DKC')).length;
    expect(stdout.trimEnd().split('\n').at(-1)).to.equal(
      `${count} passed, 0 failed, 0 not applicable`,
    );
  });

  it('says what is not proved because the harness does not offer it', async () => {
    const { stdout } = await run(moduleOf('a-class'), '--only', 'ROT-00', '--only', 'DKC');
    expect(stdout).to.match(/^not proved, because the harness has no keys\.rotate, cache$/m);
  });

  it('ends the run when the harness can not make a key, and says with which error', async () => {
    const { code, stdout } = await run(moduleOf('a-full-hsm'));
    expect(code).to.equal(2);
    expect(stdout).to.include('keys.create({"keySpec":');
    expect(stdout).to.include('failed: Error: the HSM refused');
    expect(stdout).to.match(/cause: +Error: no slot is free \(at .*a-full-hsm\.js/);
    expect(stdout).to.match(/^\d{3,} cases did not run$/m);
  });

  it('shows progress in one line on a terminal', async () => {
    const [stdout, stderr] = [screen(), screen(true)];
    await runCommand([moduleOf('a-class'), '--only', 'ENC-001'], stdout, stderr);
    expect(stderr.text()).to.include('of 1');
    // It clears its line at the end.
    expect(stderr.text().endsWith('\r\x1b[K')).to.equal(true);
  });

  it('writes a line of progress now and then where there is no terminal', async () => {
    const log = screen();
    const progress = new Progress(log, 3, 1);
    const { results } = await runConformance(
      { name: 'any', open: async () => wrapped('', '', () => ({})).open() },
      { only: ['ENC-001'] },
    );
    progress.advance(results[0] as CaseResult);
    const isShown = () => log.text().includes('1 of 3 cases\n');
    while (!isShown()) await new Promise(setImmediate);
    progress.end();
    expect(isShown()).to.equal(true);
    // A short run writes none.
    expect((await run(moduleOf('a-class'), '--only', 'ENC-')).stderr).to.equal('');
  });

  const mistakes: Record<string, [RegExp, ...string[]]> = {
    'no module': [/pass a module/],
    'two modules': [/pass one module only/, 'a.js', 'b.js'],
    'an unknown option': [/^keywrap-conformance: --fast is not an option$/m, 'a.js', '--fast'],
    'an option without its value': [/: --seed needs a value$/m, 'a.js', '--seed'],
    'an option before another': [/: --only needs a value$/m, '--only', '--bail', 'a.js'],
    'a value that an option does not take': [/: --bail takes no value$/m, 'a.js', '--bail=yes'],
    'an unknown format': [/text, markdown, json, junit/, 'a.js', '--format', 'html'],
    'a seed that is not a number': [/--seed is a whole number/, 'a.js', '--seed', 'x'],
    'an unknown profile': [/quick, full, soak/, 'a.js', '--profile', 'slow'],
    'an unknown case': [/no case and no rule is XYZ/, 'a.js', '--only', 'XYZ'],
    'a case of a larger profile': [
      /PAI-103 is in the profile full/,
      ...['a.js', '--only', 'PAI-103', '--profile', 'quick'],
    ],
    'a missing file': [
      /can't load .*nowhere\.js: it does not exist; is it compiled\?/,
      'nowhere.js',
    ],
    'a module without a provider': [/exports somethingElse/, moduleOf('nothing')],
    'a provider without keys': [/add a createKey method/, moduleOf('without-keys')],
    'a provider that fails to open': [/the HSM is not plugged in/, moduleOf('broken')],
    'a report that can not be written': [
      /can't write/,
      ...[moduleOf('a-class'), '--only', 'CAP-001', '--output', '/nowhere/report.txt'],
    ],
  };
  for (const [what, [message, ...args]] of Object.entries(mistakes)) {
    it(`exits with 2 for ${what}`, async () => {
      const { code, stderr } = await run(...args);
      expect(stderr).to.match(message);
      expect(code).to.equal(2);
    });
  }

  it('runs as a program: --help and --version', () => {
    const main = fileURLToPath(import.meta.resolve('#dist/command/main.js'));
    const program = (...args: string[]) =>
      spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    expect(program('--help').stdout).to.match(/^Usage: keywrap-conformance /);
    expect(program('--version').stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    expect(program().status).to.equal(2);
  });

  it('ends at SIGINT after the cases that run then, and cleans up the keys', () => {
    const main = fileURLToPath(import.meta.resolve('#dist/command/main.js'));
    const args = [main, moduleOf('a-provider-that-is-interrupted'), '--only', 'ROT-'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).to.match(/stopping.*\n0 of \d+ keys are left\n/s);
    expect(stdout).to.match(/cases did not run/);
    expect(status).to.equal(2);
  });

  it('exits with 2 when the provider ends the process, although it ends it with 0', () => {
    const main = fileURLToPath(import.meta.resolve('#dist/command/main.js'));
    const args = [main, moduleOf('a-provider-that-exits'), '--only', 'ENC-001'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout).to.equal('');
    expect(stderr).to.include('the process was ended before the report');
    expect(status).to.equal(2);
  });

  it('exits with 1 for a rejection that nothing handles, although every case passes', () => {
    const main = fileURLToPath(import.meta.resolve('#dist/command/main.js'));
    const args = [main, moduleOf('a-careless-provider'), '--only', 'ENC-001'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout).to.include('1 passed, 0 failed');
    expect(stderr).to.include('unhandled rejection (Error)');
    expect(status).to.equal(1);
  });
});
