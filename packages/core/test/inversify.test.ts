import 'reflect-metadata';
import {
  InvalidInputError,
  type KeyWrapProvider,
  type ProviderScheme,
  KEY_WRAP_PROVIDER as TOKEN,
} from '@keywrap/core';
import {
  injectKeyWrap,
  KEY_WRAP_PROVIDER,
  keyWrapModule,
  urlKeyWrapModule,
} from '@keywrap/core/inversify';
import { expect } from 'chai';
import { Container, injectable, preDestroy } from 'inversify';
import sinon from 'sinon';
import { js, rejection, thrown } from './support/failures.js';
import { CALLS, ScriptedProvider } from './support/scripted-driver.js';

const fail = () => {
  throw new Error('not reachable');
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A way to open a provider that counts, and providers that count how often they were closed. */
function opener() {
  const close = sinon.spy(async () => {});
  const open = sinon.spy(() => new ScriptedProvider({ close }));
  const openLater = sinon.spy(async () => {
    await turn();
    return new ScriptedProvider({ close });
  });
  return { close, open, openLater };
}

async function containerWith(...modules: ReturnType<typeof keyWrapModule>[]): Promise<Container> {
  const container = new Container();
  await container.load(...modules);
  return container;
}

@injectable()
class OrderService {
  @injectKeyWrap('archive') readonly archive!: KeyWrapProvider;
  constructor(@injectKeyWrap() readonly keys: KeyWrapProvider) {}
}

@injectable()
class TwoRegions {
  constructor(
    @injectKeyWrap('eu') readonly eu: KeyWrapProvider,
    @injectKeyWrap('us') readonly us: KeyWrapProvider,
  ) {}
}

describe('keyWrapModule', () => {
  it('binds a provider that is opened once, when it is first resolved', async () => {
    const { open } = opener();
    const container = await containerWith(keyWrapModule(open));
    expect(open.callCount).to.equal(0);

    const provider = container.get(KEY_WRAP_PROVIDER);
    expect(provider).to.be.instanceOf(ScriptedProvider);
    expect(container.get(KEY_WRAP_PROVIDER)).to.equal(provider);
    expect(await container.getAsync(KEY_WRAP_PROVIDER)).to.equal(provider);
    expect(open.callCount).to.equal(1);
  });

  it('opens an asynchronous one once, also for concurrent resolutions', async () => {
    const { openLater } = opener();
    const container = await containerWith(keyWrapModule(openLater));
    const providers = await Promise.all([
      container.getAsync(KEY_WRAP_PROVIDER),
      container.getAsync(KEY_WRAP_PROVIDER),
      turn().then(() => container.getAsync(KEY_WRAP_PROVIDER)),
    ]);
    expect(new Set(providers).size).to.equal(1);
    expect(openLater.callCount).to.equal(1);
  });

  it('can be loaded without waiting, as its example does', () => {
    const { open } = opener();
    const container = new Container();
    container.load(keyWrapModule(open));
    expect(container.get(KEY_WRAP_PROVIDER)).to.be.instanceOf(ScriptedProvider);
  });

  it('tells a default provider and named ones apart in one container', async () => {
    const [byDefault, archive, backup] = [opener(), opener(), opener()];
    const container = await containerWith(
      keyWrapModule(byDefault.open),
      keyWrapModule(archive.open, { name: 'archive' }),
      keyWrapModule(backup.open, { name: 'backup' }),
    );
    const own = container.get(KEY_WRAP_PROVIDER);
    const named = container.get(KEY_WRAP_PROVIDER, { name: 'archive' });
    expect(own).not.to.equal(named);
    expect(container.get(KEY_WRAP_PROVIDER, { name: 'archive' })).to.equal(named);
    expect([byDefault, archive, backup].map(({ open }) => open.callCount)).to.deep.equal([1, 1, 0]);
  });

  it('has no default provider where it bound a named one only', async () => {
    const container = await containerWith(keyWrapModule(opener().open, { name: 'archive' }));
    expect(thrown(() => container.get(KEY_WRAP_PROVIDER)).message).to.include('No');
  });

  it('injects into constructors and properties, by default and by name', async () => {
    const [byDefault, archive] = [opener(), opener()];
    const container = await containerWith(
      keyWrapModule(byDefault.openLater),
      keyWrapModule(archive.openLater, { name: 'archive' }),
    );
    container.bind(OrderService).toSelf();
    const service = await container.getAsync(OrderService);
    expect(service.keys).to.equal(await container.getAsync(KEY_WRAP_PROVIDER));
    expect(service.archive).to.equal(
      await container.getAsync(KEY_WRAP_PROVIDER, { name: 'archive' }),
    );
    expect(service.keys).not.to.equal(service.archive);
    expect((await service.keys.encrypt(CALLS.encrypt)).ciphertext).to.have.length(3);
  });

  it('injects several named providers into one constructor', async () => {
    const container = await containerWith(
      keyWrapModule(opener().open, { name: 'eu' }),
      keyWrapModule(opener().open, { name: 'us' }),
    );
    container.bind(TwoRegions).toSelf();
    const service = container.get(TwoRegions);
    expect(service.eu).to.equal(container.get(KEY_WRAP_PROVIDER, { name: 'eu' }));
    expect(service.us).to.equal(container.get(KEY_WRAP_PROVIDER, { name: 'us' }));
    expect(service.eu).not.to.equal(service.us);
  });

  for (const kind of ['open', 'openLater'] as const) {
    const how = kind === 'open' ? 'synchronously' : 'asynchronously';

    it(`closes what it opened ${how} when the module is unloaded`, async () => {
      const { close, [kind]: open } = opener();
      const module = keyWrapModule(open);
      const container = await containerWith(module);
      const provider = await container.getAsync(KEY_WRAP_PROVIDER);
      await container.unloadAsync(module);
      expect(close.callCount).to.equal(1);
      expect(await rejection(provider.encrypt(CALLS.encrypt))).to.include({ code: 'CLOSED' });
      expect(container.isBound(KEY_WRAP_PROVIDER)).to.equal(false);
    });

    it(`closes what it opened ${how} when it is unbound, alone or with all`, async () => {
      for (const unbind of [
        (container: Container) => container.unbindAsync(KEY_WRAP_PROVIDER),
        (container: Container) => container.unbindAllAsync(),
      ]) {
        const { close, [kind]: open } = opener();
        const container = await containerWith(keyWrapModule(open));
        await container.getAsync(KEY_WRAP_PROVIDER);
        await unbind(container);
        expect(close.callCount).to.equal(1);
      }
    });
  }

  for (const kind of ['open', 'openLater'] as const) {
    it(`stays open and bound when inversify's synchronous methods throw (${kind})`, async () => {
      const { close, [kind]: open } = opener();
      const module = keyWrapModule(open);
      const container = await containerWith(module);
      const service = sinon.spy();
      const after = Symbol('bound after it');
      container.bind(after).toConstantValue({}).onDeactivation(service);
      container.get(after);
      const assertUnchanged = () => {
        for (const [method, call] of Object.entries({
          unbindAll: () => container.unbindAll(),
          unbind: () => container.unbind(KEY_WRAP_PROVIDER),
          unload: () => container.unload(module),
          rebind: () => container.rebind(KEY_WRAP_PROVIDER),
        })) {
          expect(thrown(call), method).to.include({ code: 'UNSUPPORTED' });
          expect(thrown(call).message, method).to.match(/Call (unbindAll|unbind|unload)Async\(\)$/);
        }
        expect([open.callCount, close.callCount, service.callCount]).to.deep.equal([1, 0, 0]);
      };
      const opening = container.getAsync(KEY_WRAP_PROVIDER);
      assertUnchanged();
      const provider = await opening;
      assertUnchanged();
      await new Promise((resolve) => setTimeout(resolve));
      expect(await container.getAsync(KEY_WRAP_PROVIDER)).to.equal(provider);
      expect(await provider.encrypt(CALLS.encrypt)).to.have.property('ciphertext');

      await container.unbindAllAsync();
      expect([open.callCount, close.callCount, service.callCount]).to.deep.equal([1, 1, 1]);
      expect(container.isBound(KEY_WRAP_PROVIDER)).to.equal(false);
    });
  }

  it('is closed by the asynchronous methods however much of the call stack is kept', async () => {
    const { stackTraceLimit } = Error;
    try {
      for (Error.stackTraceLimit of [0, 1, 10]) {
        const { close, open } = opener();
        const container = await containerWith(keyWrapModule(open));
        container.get(KEY_WRAP_PROVIDER);
        expect(thrown(() => container.unbindAll())).to.include({ code: 'UNSUPPORTED' });
        await container.unbindAllAsync();
        expect(close.callCount).to.equal(1);
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  });

  it('is closed once by calls at once, and unbound if it can be closed at the second attempt', async () => {
    const { close, open } = opener();
    const container = await containerWith(keyWrapModule(open));
    container.get(KEY_WRAP_PROVIDER);
    await Promise.all([container.unbindAllAsync(), container.unbindAllAsync()]);
    expect(close.callCount).to.equal(1);

    const stuck = sinon.stub().rejects(new Error('busy'));
    const failing = await containerWith(keyWrapModule(() => js({ close: stuck })));
    const provider = failing.get(KEY_WRAP_PROVIDER);
    expect((await rejection(failing.unbindAllAsync())).message).to.equal('busy');
    expect(failing.get(KEY_WRAP_PROVIDER)).to.equal(provider);
    stuck.resolves();
    await failing.unbindAllAsync();
    expect(failing.isBound(KEY_WRAP_PROVIDER)).to.equal(false);
  });

  describe('in a container that is restored', () => {
    it('is the same as before, and closed with it', async () => {
      const { close, open } = opener();
      const container = await containerWith(keyWrapModule(open));
      container.snapshot();
      const provider = container.get(KEY_WRAP_PROVIDER);
      container.restore();
      expect(container.get(KEY_WRAP_PROVIDER)).to.equal(provider);
      await container.unbindAllAsync();
      expect([open.callCount, close.callCount]).to.deep.equal([1, 1]);
    });

    it('is opened again after it was closed', async () => {
      const { close, open } = opener();
      const container = await containerWith(keyWrapModule(open));
      container.snapshot();
      const first = container.get(KEY_WRAP_PROVIDER);
      await container.unbindAllAsync();
      container.restore();
      const second = container.get(KEY_WRAP_PROVIDER);
      expect(second).not.to.equal(first);
      expect(await second.encrypt(CALLS.encrypt)).to.have.property('ciphertext');
      await container.unbindAllAsync();
      expect([open.callCount, close.callCount]).to.deep.equal([2, 2]);
    });

    it('stays open where inversify does not deactivate: what was not resolved since, or loaded after the snapshot', async () => {
      const { close, open } = opener();
      const module = keyWrapModule(open);
      const container = await containerWith(module);
      container.snapshot();
      container.get(KEY_WRAP_PROVIDER);
      container.restore();
      await container.unbindAllAsync();
      expect([open.callCount, close.callCount]).to.deep.equal([1, 0]);

      container.snapshot();
      container.load(keyWrapModule(open));
      const provider = container.get(KEY_WRAP_PROVIDER);
      container.restore();
      expect(container.isBound(KEY_WRAP_PROVIDER)).to.equal(false);
      expect([open.callCount, close.callCount]).to.deep.equal([2, 0]);
      await provider.close();
    });
  });

  it('closes only what was unloaded', async () => {
    const [byDefault, archive] = [opener(), opener()];
    const module = keyWrapModule(archive.open, { name: 'archive' });
    const container = await containerWith(keyWrapModule(byDefault.open), module);
    container.get(KEY_WRAP_PROVIDER);
    container.get(KEY_WRAP_PROVIDER, { name: 'archive' });
    await container.unloadAsync(module);
    expect([byDefault.close.callCount, archive.close.callCount]).to.deep.equal([0, 1]);
  });

  it('neither opens nor closes a provider that was not resolved', async () => {
    const { open, openLater, close } = opener();
    const module = keyWrapModule(open);
    const container = await containerWith(module, keyWrapModule(openLater, { name: 'later' }));
    await container.unloadAsync(module);
    await container.unbindAllAsync();
    expect([open.callCount, openLater.callCount, close.callCount]).to.deep.equal([0, 0, 0]);
  });

  it('rejects as opening does', async () => {
    const failure = new InvalidInputError('url', 'is wrong');
    const container = await containerWith(keyWrapModule(() => Promise.reject(failure)));
    expect(await rejection(container.getAsync(KEY_WRAP_PROVIDER))).to.equal(failure);
  });

  it('tries again after a failure to open, whether it came at once or later', async () => {
    for (const fail of [
      () => Promise.reject(new Error('not reachable yet')),
      () => {
        throw new Error('not configured yet');
      },
    ]) {
      const open = sinon.stub().callsFake(opener().openLater);
      open.onFirstCall().callsFake(fail);
      const container = await containerWith(keyWrapModule(open));
      await rejection((async () => container.getAsync(KEY_WRAP_PROVIDER))());
      const provider = await container.getAsync(KEY_WRAP_PROVIDER);
      expect(provider).to.be.instanceOf(ScriptedProvider);
      expect(container.get(KEY_WRAP_PROVIDER)).to.equal(provider);
      expect(open.callCount).to.equal(2);
    }
  });

  it('can be unbound after a failure to open, and while it opens', async () => {
    const module = keyWrapModule(() => Promise.reject(new Error('not reachable')));
    const container = await containerWith(module, keyWrapModule(opener().open, { name: 'other' }));
    const other = container.get(KEY_WRAP_PROVIDER, { name: 'other' });
    await rejection(container.getAsync(KEY_WRAP_PROVIDER));
    await container.unloadAsync(module);
    await container.unbindAllAsync();
    expect(await rejection(other.encrypt(CALLS.encrypt))).to.include({ code: 'CLOSED' });

    const failing = await containerWith(keyWrapModule(() => turn().then(() => js(fail()))));
    const asked = rejection(failing.getAsync(KEY_WRAP_PROVIDER));
    await failing.unbindAllAsync();
    expect((await asked).message).to.equal('not reachable');
  });

  it('is still open in the @preDestroy of a service that was bound after it', async () => {
    const { open, close } = opener();
    const container = await containerWith(keyWrapModule(open));
    const lengths: number[] = [];

    @injectable()
    class Flushing {
      constructor(@injectKeyWrap() readonly keys: KeyWrapProvider) {}

      @preDestroy()
      async flush(): Promise<void> {
        for (let i = 0; i < 3; i++) {
          const { ciphertext } = await this.keys.encrypt(CALLS.encrypt);
          lengths.push(ciphertext.length);
        }
        expect(close.callCount).to.equal(0);
      }
    }
    container.bind(Flushing).toSelf().inSingletonScope();
    const { keys } = await container.getAsync(Flushing);
    await container.unbindAllAsync();
    expect(lengths).to.deep.equal([3, 3, 3]);
    expect(close.callCount).to.equal(1);
    expect(await rejection(keys.encrypt(CALLS.encrypt))).to.include({ code: 'CLOSED' });
  });

  it('has a token that every copy of the package agrees on', () => {
    expect(KEY_WRAP_PROVIDER).to.equal(Symbol.for('@keywrap/core:KeyWrapProvider'));
    expect(TOKEN).to.equal(KEY_WRAP_PROVIDER);
  });
});

describe('urlKeyWrapModule', () => {
  const opened: string[] = [];
  const schemes: readonly ProviderScheme[] = [
    {
      scheme: 'my-hsm',
      open: async (url) => {
        opened.push(url.href);
        return new ScriptedProvider();
      },
    },
  ];
  const before = process.env.KEYWRAP_URL;

  beforeEach(() => {
    opened.length = 0;
    delete process.env.KEYWRAP_URL;
  });
  after(() => {
    if (before === undefined) delete process.env.KEYWRAP_URL;
    else process.env.KEYWRAP_URL = before;
  });

  it('opens what its URL names, not what the environment names', async () => {
    process.env.KEYWRAP_URL = 'my-hsm://from-environment';
    for (const url of ['my-hsm://slot/1', new URL('my-hsm://slot/2')]) {
      const container = await containerWith(urlKeyWrapModule({ url, schemes }));
      expect(await container.getAsync(KEY_WRAP_PROVIDER)).to.be.instanceOf(ScriptedProvider);
    }
    expect(opened).to.deep.equal(['my-hsm://slot/1', 'my-hsm://slot/2']);
  });

  it('opens what KEYWRAP_URL names at the time of opening', async () => {
    process.env.KEYWRAP_URL = 'my-hsm://too-early';
    const container = await containerWith(urlKeyWrapModule({ schemes }));
    process.env.KEYWRAP_URL = 'my-hsm://from-environment';
    await container.getAsync(KEY_WRAP_PROVIDER);
    expect(opened).to.deep.equal(['my-hsm://from-environment']);
  });

  it('binds under a name, and closes like every other', async () => {
    const module = urlKeyWrapModule({ url: 'my-hsm:', schemes, name: 'archive' });
    const container = await containerWith(module);
    const provider = await container.getAsync(KEY_WRAP_PROVIDER, { name: 'archive' });
    await container.unloadAsync(module);
    expect(await rejection(provider.encrypt(CALLS.encrypt))).to.include({ code: 'CLOSED' });
  });

  it('rejects a missing, an empty and an unsupported URL (INVALID_INPUT)', async () => {
    const attempt = async (url: string | undefined) => {
      const container = await containerWith(urlKeyWrapModule({ url, schemes }));
      return rejection(container.getAsync(KEY_WRAP_PROVIDER));
    };
    for (const url of [undefined, '', 'vault://host']) {
      expect(await attempt(url)).to.include({ code: 'INVALID_INPUT', field: 'url' });
    }
    expect((await attempt(undefined)).message).to.include('KEYWRAP_URL');
    process.env.KEYWRAP_URL = '';
    expect(await attempt(undefined)).to.include({ code: 'INVALID_INPUT', field: 'url' });
  });
});
