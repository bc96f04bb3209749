// A container that failed to unbind is as it was before.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { localKeyWrapModule } from '@keywrap/provider-local/inversify';
import { Container } from 'inversify';

const plaintext = Uint8Array.of(1, 2, 3);
const container = new Container();
const module = localKeyWrapModule({ keys: ['alias/orders'] });
container.load(module);
const keys = await container.getAsync(KEY_WRAP_PROVIDER);

for (const fail of [
  () => container.unbindAll(),
  () => container.unbind(KEY_WRAP_PROVIDER),
  () => container.unload(module),
]) {
  assert.throws(fail, { code: 'UNSUPPORTED', message: /Call \w+Async\(\)$/ });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await container.getAsync(KEY_WRAP_PROVIDER), keys);
  await keys.encrypt({ keyId: 'alias/orders', plaintext });
}

await container.unbindAllAsync();
assert.equal(container.isBound(KEY_WRAP_PROVIDER), false);
await assert.rejects(keys.encrypt({ keyId: 'alias/orders', plaintext }), { code: 'CLOSED' });
