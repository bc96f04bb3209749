import { expect } from 'chai';
import { Disk, type PowerCut } from '#dist/power-loss/disk.js';
import type { Operation } from '#dist/power-loss/operations.js';
import { randomOf } from '#dist/random.js';

const FOLDER = 1;
const FILE = 2;

const create = (name = 'a', inode = FILE): Operation => ({ kind: 'create', name, inode });
const write = (offset: number, data: Buffer | string, inode = FILE): Operation => ({
  kind: 'write',
  inode,
  offset,
  data: Buffer.from(data),
});
const sync = (inode: number): Operation[] => [
  { kind: 'sync-begin', inode, processId: 1 },
  { kind: 'sync-end', inode, processId: 1 },
];

function cut(power: PowerCut, ...operations: readonly Operation[]): Record<string, string> {
  const disk = new Disk(FOLDER);
  for (const operation of operations) disk.apply(operation);
  const files = disk.cut(power, randomOf(1));
  return Object.fromEntries([...files].map(([name, data]) => [name, data.toString()]));
}

describe('the disk whose power is cut', () => {
  const made = [create(), ...sync(FOLDER), write(0, 'old'), ...sync(FILE)];

  it('has what was synced', () => {
    expect(cut('dropped', ...made)).to.deep.equal({ a: 'old' });
  });

  it('may lose what was not', () => {
    expect(cut('dropped', ...made, write(0, 'new'))).to.deep.equal({ a: 'old' });
    expect(cut('kept', ...made, write(0, 'new'))).to.deep.equal({ a: 'new' });
  });

  it('may lose the name of a file that was synced, but in a folder that was not', () => {
    expect(cut('dropped', create(), write(0, 'x'), ...sync(FILE))).to.deep.equal({});
  });

  it('may have a file again that was removed, and lose one that was renamed or linked', () => {
    const remove: Operation = { kind: 'remove', name: 'a' };
    expect(cut('dropped', ...made, remove)).to.deep.equal({ a: 'old' });
    expect(cut('dropped', ...made, remove, ...sync(FOLDER))).to.deep.equal({});
    for (const kind of ['rename', 'link'] as const) {
      const change: Operation = { kind, name: 'a', to: 'b' };
      expect(cut('dropped', ...made, change)).to.deep.equal({ a: 'old' });
      expect(cut('dropped', ...made, change, ...sync(FOLDER)).b).to.equal('old');
    }
  });

  it('does not take a new file for the old one that had its number', () => {
    const again = [{ kind: 'remove', name: 'a' } as const, create('b'), ...sync(FOLDER)];
    expect(cut('dropped', ...made, ...again)).to.deep.equal({ b: '' });
  });

  it('keeps what came after a sync began, only by chance', () => {
    const [begin, end] = sync(FILE) as [Operation, Operation];
    expect(cut('dropped', ...made, begin, write(0, 'new'), end)).to.deep.equal({ a: 'old' });
  });

  it('tears writes where sectors end, and keeps later ones without earlier ones', () => {
    const [old, next] = ['o', 'n'].map((letter) => letter.repeat(4 * 4096)) as [string, string];
    const disk = new Disk(FOLDER);
    for (const operation of [create(), ...sync(FOLDER), write(0, old), ...sync(FILE)]) {
      disk.apply(operation);
    }
    disk.apply(write(0, next));
    const random = randomOf(7);
    const found = new Set<string>();
    for (let count = 0; count < 200; count++) {
      const data = disk.cut('torn', random).get('a')?.toString() ?? '';
      expect(data).to.match(/^(n{512}|o{512})*$/);
      found.add(data);
    }
    expect(found.has(old)).to.equal(true);
    expect(found.has(next)).to.equal(true);
    expect([...found].some((data) => /^o.*n$/s.test(data))).to.equal(true);
  });

  it('is the same again for the same seed', () => {
    const operations = [...made, write(0, 'x'.repeat(9000))];
    expect(cut('torn', ...operations)).to.deep.equal(cut('torn', ...operations));
  });
});
