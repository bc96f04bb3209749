import { expect } from 'chai';
import { soakStream } from '#dist/rows/memory.js';

// By what V8 counts, not by the memory of the process, to which the allocator and the machine add.
describe('256 MiB through a stream', () => {
  for (const mode of ['seal', 'open'] as const) {
    for (const kind of ['node', 'web'] as const) {
      for (const frameLength of [4096, 65536]) {
        it(`take less than 32 MiB of memory: ${mode}, ${kind}, frames of ${frameLength}`, async () => {
          const { counted } = await soakStream(mode, kind, 256, frameLength);
          expect(counted).to.be.lessThan(32);
        });
      }
    }
  }
});
