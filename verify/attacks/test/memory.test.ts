import { expect } from 'chai';
import { type Remains, searchProgram } from '#dist/memory/search-program.js';

// What is searched is another process that did all that a provider does, disposed of every result, closed
// the provider and collected its garbage: its strings in a heap snapshot, and, because a snapshot has no
// bytes of buffers, all of its memory.
describe('The memory of a process that has closed its provider', () => {
  before(function () {
    // Only there can one process read the memory of another, its child.
    if (process.platform !== 'linux') this.skip();
  });

  const searched = (subject: string): Promise<Remains> =>
    searchProgram('closed-providers', [subject]);

  it('is searched so that a secret which is kept is found, in every form', async () => {
    const { memory, snapshot } = await searchProgram('kept-secrets');
    expect(memory).to.deep.equal([
      'UTF-16: bytes',
      'a binary string: bytes',
      'a large array: bytes',
      'a number: reversed',
      'a small array: bytes',
      'base64: base64',
      'hex: hex',
    ]);
    expect(snapshot).to.deep.equal([
      'UTF-16: bytes',
      'a binary string: bytes',
      'base64: base64',
      'hex: hex',
    ]);
  });

  it('has no plaintext, data key, private key or key material, with the node engine and a data-key cache', async () => {
    const { secrets, memory, snapshot } = await searched('node');
    expect(secrets).to.equal(26);
    expect({ memory, snapshot }).to.deep.equal({ memory: [], snapshot: [] });
  });

  it('has none of them and no passphrase, with a key store on disk that was verified, backed up and restored', async () => {
    const { secrets, memory, snapshot } = await searched('store');
    expect(secrets).to.equal(11);
    expect({ memory, snapshot }).to.deep.equal({ memory: [], snapshot: [] });
  });

  // The protocol carries secrets as base64 in JSON, and nobody can wipe a string.
  it('has them in strings of the AWS SDK and of HTTP alone, that nothing holds any more, with provider-kms and kms-server', async () => {
    const { secrets, memory, snapshot } = await searched('server');
    expect(secrets).to.equal(8);
    expect(memory.filter((found) => !found.endsWith(': base64'))).to.deep.equal([]);
    expect(snapshot).to.deep.equal([]);
  });

  it('has them in what node-forge leaves behind, that nothing holds any more, with the forge engine', async () => {
    const { memory, snapshot } = await searched('forge');
    expect(memory.length).to.be.greaterThan(0); // as its documentation says; here is how we would notice
    expect(snapshot).to.deep.equal([]);
  });
});
