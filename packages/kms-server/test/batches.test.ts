import { expect } from 'chai';
import { Batches } from '#dist/http/batches.js';

describe('Requests that arrive together', () => {
  it('share one look at the store, made when all have arrived, and are answered together', async () => {
    const events: string[] = [];
    const batches = new Batches(() => {
      events.push('look');
      return () => events.push('end of look');
    });
    const request = async (name: string) => {
      events.push(`${name} arrives`);
      await batches.begin();
      events.push(`${name} begins`);
      await batches.end();
      events.push(`${name} is answered`);
    };
    await Promise.all([request('a'), request('b')]);
    await request('c');
    expect(events).to.deep.equal([
      'a arrives',
      'b arrives',
      'look',
      'a begins',
      'b begins',
      'end of look',
      'a is answered',
      'b is answered',
      'c arrives',
      'look',
      'c begins',
      'end of look',
      'c is answered',
    ]);
  });
});
