import { expect } from 'chai';
import { targets } from '#dist/targets.js';

describe('x', () => {
  it('y', () => {
    expect(targets).to.have.length.above(0);
  });
});
