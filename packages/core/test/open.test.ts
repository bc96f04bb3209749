import {
  InvalidInputError,
  openKeyWrapProvider,
  type ProviderScheme,
  readUrlNumber,
  readUrlParameters,
  rejectUrlParts,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection, expectThrown, js } from './support/failures.js';
import { ScriptedProvider } from './support/scripted-driver.js';

/** A scheme as a third party would write it. */
function scheme(name: string) {
  const opened: string[] = [];
  const own: ProviderScheme = {
    scheme: name,
    open: async (url) => {
      opened.push(url.href);
      return new ScriptedProvider();
    },
  };
  return { own, opened };
}

describe('openKeyWrapProvider', () => {
  it('opens the URL with the scheme that it begins with', async () => {
    const [hsm, vault] = [scheme('my-hsm'), scheme('vault')];
    const schemes = [hsm.own, vault.own];
    const provider = await openKeyWrapProvider('vault://host/path?mount=transit', schemes);
    expect(provider).to.be.instanceOf(ScriptedProvider);
    expect(vault.opened).to.deep.equal(['vault://host/path?mount=transit']);
    expect(hsm.opened).to.deep.equal([]);
  });

  it('accepts a URL object, a URL without an authority, and capitals in the scheme', async () => {
    const { own, opened } = scheme('my-hsm');
    for (const url of [new URL('my-hsm://slot/1'), 'my-hsm:', 'MY-HSM:?keys=alias/orders']) {
      await openKeyWrapProvider(url, [own]);
    }
    expect(opened).to.deep.equal(['my-hsm://slot/1', 'my-hsm:', 'my-hsm:?keys=alias/orders']);
  });

  it('rejects a scheme that is not registered, and lists the known ones (INVALID_INPUT)', async () => {
    const { own, opened } = scheme('my-hsm');
    for (const url of ['vault://host', 'my-hsm2:', 'my:', 'https://example.com']) {
      const call = openKeyWrapProvider(url, [own]);
      const error = await expectRejection(call, InvalidInputError, { field: 'url' });
      expect(error.message).to.include('known: my-hsm:');
    }
    expect(opened).to.deep.equal([]);
  });

  it('rejects text that is not a URL (INVALID_INPUT)', async () => {
    const { own } = scheme('my-hsm');
    for (const url of ['', ' ', 'my-hsm', '//host', '/path', '?keys=1', undefined, null, 7, {}]) {
      const call = openKeyWrapProvider(js(url), [own]);
      const error = await expectRejection(call, InvalidInputError, { field: 'url' });
      expect(error.message).to.include('begins with one of my-hsm:');
    }
  });

  it('rejects as the scheme does', async () => {
    const failure = new InvalidInputError('url', 'has no slot');
    const own = { scheme: 'my-hsm', open: () => Promise.reject(failure) };
    expect(
      await expectRejection(openKeyWrapProvider('my-hsm:', [own]), InvalidInputError),
    ).to.equal(failure);
    const throwing: ProviderScheme = {
      scheme: 'my-hsm',
      open() {
        throw failure;
      },
    };
    await expectRejection(openKeyWrapProvider('my-hsm:', [throwing]), InvalidInputError);
  });

  it('names the URL in place of an option of the provider, and keeps the original as its cause', async () => {
    const failure = new InvalidInputError('options.slot', 'must be a number');
    const own = { scheme: 'my-hsm', open: () => Promise.reject(failure) };
    const call = openKeyWrapProvider('my-hsm:', [own]);
    const error = await expectRejection(call, InvalidInputError, { field: 'url' });
    expect(error.message).to.include('options.slot must be a number');
    expect(error.cause).to.equal(failure);
  });

  it('never repeats a URL in an error: there may be a password in it', async () => {
    const { own } = scheme('my-hsm');
    for (const url of [
      'vault://admin:hunter2@host/?token=hunter2#hunter2',
      'hunter2 is no URL',
      'http://[hunter2',
      '//admin:hunter2@host',
    ]) {
      const error = await expectRejection(openKeyWrapProvider(url, [own]), InvalidInputError);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.to.include('hunter2');
    }
  });
});

describe('readUrlParameters', () => {
  const read = (query: string, names = ['region', 'keys']) =>
    readUrlParameters(new URL(`my-hsm:?${query}`), names);

  it('returns the given parameters, decoded: a plus is itself, as in a path', () => {
    expect(read('')).to.deep.equal({});
    expect(read('region=eu-west-1')).to.deep.equal({ region: 'eu-west-1' });
    expect(read('keys=alias%2Forders,alias/b+c%20d%2B&region=')).to.deep.equal({
      keys: 'alias/orders,alias/b+c d+',
      region: '',
    });
  });

  it('rejects an unknown parameter, and lists the known ones', () => {
    const error = expectThrown(() => read('Region=x'), InvalidInputError, { field: 'url' });
    expect(error.message).to.include('"Region"').and.include('my-hsm: takes region, keys');
    expectThrown(() => read('__proto__=x'), InvalidInputError);
  });

  it('rejects a repeated parameter, even an empty one', () => {
    expectThrown(() => read('keys=a&keys=b'), InvalidInputError, { field: 'url' });
    expectThrown(() => read('keys=&keys='), InvalidInputError, { field: 'url' });
  });

  it('never shows a value', () => {
    for (const query of ['password=hunter2', 'keys=hunter2&keys=hunter2']) {
      expect(expectThrown(() => read(query), InvalidInputError).message).not.to.include('hunter2');
    }
  });

  it('accepts names that every object inherits', () => {
    expect(read('constructor=a&toString=b', ['constructor', 'toString'])).to.deep.equal({
      constructor: 'a',
      toString: 'b',
    });
  });
});

describe('readUrlNumber', () => {
  it('reads decimal digits, and makes a number that no option accepts of other text', () => {
    expect(readUrlNumber(undefined)).to.equal(undefined);
    expect(readUrlNumber('30000')).to.equal(30_000);
    for (const text of ['', ' 1', '1e3', '0x10', '-1', '1.5']) {
      expect(readUrlNumber(text), text).to.be.NaN;
    }
  });
});

describe('rejectUrlParts', () => {
  it('rejects a part that a scheme does not have, and does not show it (INVALID_INPUT)', () => {
    const parts = ['username', 'password', 'hash'] as const;
    rejectUrlParts(new URL('my-hsm://host/path'), parts, 'my-hsm://<host>');
    for (const url of [
      'my-hsm://hunter2@host',
      'my-hsm://:hunter2@host',
      'my-hsm://host#hunter2',
    ]) {
      const work = () => rejectUrlParts(new URL(url), parts, 'my-hsm://<host>');
      const error = expectThrown(work, InvalidInputError, { field: 'url' });
      expect(error.message).to.include('write my-hsm://<host>').and.not.include('hunter2');
    }
  });
});
