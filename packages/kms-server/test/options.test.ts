import { InvalidInputError } from '@keywrap/core';
import { type KmsServerOptions, startKmsServer } from '@keywrap/kms-server';
import { expect } from 'chai';

describe('The options of a server', () => {
  const wrong: [keyof KmsServerOptions, unknown[]][] = [
    ['port', ['4599', -1, 65536, 1.5]],
    ['host', [127, '', ['127.0.0.1']]],
    ['region', [['us-east-1'], 'us_east_1', 1]],
    ['account', [111122223333, ['111122223333'], '1111-2222-3333']],
    ['maximumConnections', [0, -1, 1.5, '500', Number.NaN, null]],
    ['importTokenKey', ['x', new Uint8Array(31), new Uint8Array(33), 32]],
    [
      'credentials',
      [
        {},
        [null],
        [{ accessKeyId: 'a' }],
        [{ accessKeyId: 'a', secretAccessKey: '' }],
        // One of them would be ignored.
        ['b', 'c'].map((secretAccessKey) => ({ accessKeyId: 'a', secretAccessKey })),
      ],
    ],
    ['log', ['x', {}]],
    ['now', [5, new Date()]],
  ];
  for (const [option, values] of wrong) {
    it(`reject a wrong ${option} (INVALID_INPUT)`, async () => {
      for (const value of values) {
        const options = { port: 0, [option]: value } as KmsServerOptions;
        const started = await startKmsServer(options).catch((error: unknown) => error);
        if (Object(started)[Symbol.asyncDispose]) await Object(started)[Symbol.asyncDispose]();
        expect(started, `${value}`).to.be.instanceOf(InvalidInputError);
        expect(started).to.have.property('field', option);
      }
    });
  }
});
