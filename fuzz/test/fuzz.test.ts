import { expect } from 'chai';
import { Coverage } from '#dist/coverage.js';
import { fuzz } from '#dist/fuzz.js';
import { type Finding, type SuperviseOptions, supervise } from '#dist/supervise.js';
import type { FuzzTarget } from '#dist/target.js';

const module = new URL('./support/planted.js', import.meta.url).href;

/** What is found within some seconds; it is found much earlier. */
async function finding(name: string, options: Partial<SuperviseOptions> = {}): Promise<Finding> {
  const { result } = await supervise(name, { seed: 1, seconds: 50, module, ...options });
  if ('problem' in result) return result;
  throw new Error('nothing was found');
}

describe('The fuzzer', () => {
  /** Fuzzes the target whose failure is behind three conditions. @returns The inputs that it took. */
  async function stepsTo(isOurs: (url: string) => boolean, most: number): Promise<Uint8Array[]> {
    const coverage = new Coverage(isOurs);
    const { targets }: { targets: readonly FuzzTarget[] } = await import(module);
    const steps = targets.find(({ name }) => name === 'steps') as FuzzTarget;
    const given: Uint8Array[] = [];
    const goOn = () => given.length < most;
    const onInput = (input: Uint8Array) => given.push(input);
    try {
      await fuzz(steps, await steps.open(''), coverage, { seed: 1, goOn, onInput });
      throw new Error('nothing was found');
    } catch (error) {
      if ((error as Error).message === 'the planted failure') return given;
      throw error;
    } finally {
      coverage.close();
    }
  }

  it('goes on from inputs that reach new code, and so gets where chance does not', async () => {
    const given = await stepsTo((url) => url === module, 50_000);
    expect([...(given.at(-1) as Uint8Array).subarray(0, 3)]).to.deep.equal([1, 2, 4]);
    const blind = await stepsTo(() => false, given.length).catch((error: Error) => error.message);
    expect(blind).to.equal('nothing was found');
  });

  it('finds an input that takes for ever', async () => {
    const { input, problem } = await finding('hang', { timeout: 200 });
    expect(problem).to.equal('it takes longer than 0.2 seconds');
    expect(Buffer.from(input).includes('W')).to.equal(true);
  });

  it('finds an input that takes all memory', async () => {
    const { input, problem } = await finding('memory');
    expect(problem).to.include('memory');
    expect(Buffer.from(input).includes('W')).to.equal(true);
  });

  it('finds an input whose failure nobody waits for', async () => {
    const { input, problem } = await finding('rejection');
    expect(problem).to.include('nobody waits for it');
    expect(Buffer.from(input).includes('W')).to.equal(true);
  });

  it('ends after its time, or when it is interrupted', async () => {
    const inTime = await supervise('sound', { seed: 1, seconds: 0.1, module });
    expect(inTime.result).to.have.property('inputs').above(0);
    const signal = AbortSignal.abort();
    const interrupted = await supervise('sound', { seed: 1, seconds: 50, module, signal });
    expect(interrupted.result).to.have.property('inputs', 1);
  });
});
