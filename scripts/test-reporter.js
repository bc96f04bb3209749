// Reports thousands of tests briefly: a line for each package, every failure in full, and the sum. On a
// terminal it shows progress.
import path from 'node:path';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } =
  Mocha.Runner.constants;

export default class TestReporter extends Mocha.reporters.Base {
  #counts = new Map();

  constructor(runner, options) {
    super(runner, options);
    runner.on(EVENT_TEST_PASS, (test) => this.#count(test, 'passed'));
    runner.on(EVENT_TEST_FAIL, (test) => this.#count(test, 'failed'));
    runner.on(EVENT_TEST_PENDING, (test) => this.#count(test, 'skipped'));
    runner.on(EVENT_RUN_END, () => this.#finish());
  }

  #count({ file = '' }, outcome) {
    const [kind, name] = path.relative(process.cwd(), file).split(path.sep);
    const key = `${kind}/${name}`;
    const counts = this.#counts.get(key) ?? { passed: 0, failed: 0, skipped: 0 };
    counts[outcome] += 1;
    this.#counts.set(key, counts);
    if (process.stdout.isTTY) process.stdout.write(`\r${sentence(this.#total())} ... `);
  }

  #finish() {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
    if (this.failures.length > 0) Mocha.reporters.Base.list(this.failures);
    const width = Math.max(...[...this.#counts.keys()].map((key) => key.length));
    for (const [key, counts] of [...this.#counts].sort()) {
      console.log(`${key.padEnd(width)}  ${sentence(counts)}`);
    }
    console.log(`\n${sentence(this.#total())}`);
  }

  #total() {
    const total = { passed: 0, failed: 0, skipped: 0 };
    for (const counts of this.#counts.values()) {
      for (const outcome of Object.keys(total)) total[outcome] += counts[outcome];
    }
    return total;
  }
}

function sentence({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
