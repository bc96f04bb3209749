import { expect } from 'chai';
import { type Finding, type SuperviseOptions, supervise } from '#dist/supervise.js';

const module = new URL('./support/planted.js', import.meta.url).href;

/** The time limit, in milliseconds; inputs are found much earlier. */
async function finding(name: string, options: Partial<SuperviseOptions> = {}): Promise<Finding> {
  const { result } = await supervise(name, { seed: 1, seconds: 50, module, ...options });
  if ('problem' in result) return result;
  throw new Error('nothing was found');
}

describe('The fuzzer', () => {
  it('continues from inputs that reach new code, and so gets further than chance', async () => {
    const { input, problem } = await finding('steps', { code: module });
    expect(problem).to.include('the planted failure');
    expect([...input.subarray(0, 3)]).to.deep.equal([1, 2, 4]);
    const blind = { seed: 1, seconds: 0.5, module, code: 'none of it' };
    expect((await supervise('steps', blind)).result).to.have.property('pool', 1);
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

  it('finds an input that causes an unhandled rejection', async () => {
    const { input, problem } = await finding('rejection');
    expect(problem).to.include('no one awaits it');
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
