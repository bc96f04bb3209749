import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { KeyMaterial, materialIdOf } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { thrown } from '../support.js';

describe('Key material', () => {
  it('has an id: the HMAC-SHA-256 of the id of its key under it', async () => {
    const material = KeyMaterial.random(32);
    const id = createHmac('sha256', material.bytes).update('key-1').digest('hex');
    expect(await materialIdOf('key-1', material)).to.equal(id);
    const pair = KeyMaterial.random(1200);
    const long = createHmac('sha256', pair.bytes).update('ключ').digest('hex');
    expect(await materialIdOf('ключ', pair)).to.equal(long);
  });

  it("is wiped when it is destroyed, and can't be read afterwards", async () => {
    const bytes = new Uint8Array(new ArrayBuffer(32)).fill(7);
    const material = new KeyMaterial(bytes);
    const copy = material.copy();
    let released = 0;
    material.onDestroy(() => released++);
    material.destroy();
    material.destroy();
    expect(bytes).to.deep.equal(new Uint8Array(32));
    expect(released).to.equal(1);
    expect((await thrown(() => material.bytes)).code).to.equal('CLOSED');
    expect(copy.bytes).to.deep.equal(new Uint8Array(32).fill(7));
  });

  it('shows none of its bytes', () => {
    const material = KeyMaterial.random(32);
    expect(inspect({ material })).to.include('[32 secret bytes]');
    expect(JSON.stringify({ material })).to.equal('{}');
  });
});
