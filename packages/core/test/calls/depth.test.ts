import { createProvider, type Layer, withLayer } from '@keywrap/core';
import { expect } from 'chai';
import { ARN, CALLS, minimalDriver } from '../support/scripted-driver.js';

/** How many functions of core are on the stack in the driver's encrypt, that of the caller's call included. */
async function depthOf(layers: readonly Layer[]): Promise<number> {
  let stack = '';
  const driver = minimalDriver({
    encrypt() {
      stack = new Error('here').stack ?? '';
      return { ciphertext: Uint8Array.of(1), keyId: ARN };
    },
  });
  const provider = layers.reduce(withLayer, createProvider(driver));
  await provider.encrypt(CALLS.encrypt);
  const frames = stack.split('\n').slice(1);
  return frames.findIndex((frame) => frame.includes('depthOf'));
}

describe('From the public method to the driver', () => {
  const layer: Layer = (inner) => ({
    ...inner,
    encrypt: (request, call) => inner.encrypt(request, call),
  });

  it('a call passes four functions: the method, what checks the call, what checks the answer, and the driver', async () => {
    expect(await depthOf([])).to.equal(4);
  });

  it('each layer adds one', async () => {
    const bare = await depthOf([]);
    expect(await depthOf([layer, layer])).to.equal(bare + 2);
  });
});
