// The other packages.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { openJson, sealJson } from '@keywrap/envelope';
import { sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { Pkcs11KeyWrapProvider } from '@keywrap/provider-pkcs11';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import { SeveralKeysProvider, withRetry } from '@keywrap/resilience';

const plaintext = Uint8Array.of(1, 2, 3);

function expect(actual, expected) {
  if (`${actual}` !== `${expected}`) throw new Error(`${actual} instead of ${expected}`);
}

async function useLayers() {
  const provider = new LocalKeyWrapProvider({ keys: ['alias/a', 'alias/b'] });
  const orders = ['alias/a', 'alias/b'].map((keyId) => ({ provider, keyId }));
  const keys = withRetry(new SeveralKeysProvider({ keys: { orders } }));
  const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext });
  const opened = await keys.decrypt({ keyId: 'orders', ciphertext });
  expect(opened.plaintext, '1,2,3');
  for (const signed of [false, true]) {
    const sealing = { keyId: 'alias/a', encryptionContext: { order: '7' }, signed };
    const message = await sealJson(provider, sealing, { paid: true });
    const opening = { trustedKeys: ['alias/a'], encryptionContext: { order: '7' } };
    expect((await openJson(provider, message, opening)).paid, 'true');
  }
  const transform = sealTransform(provider, { keyId: 'alias/a' });
  transform.end(plaintext);
  let length = 0;
  for await (const chunk of transform) length += chunk.length;
  expect(length > 100, 'true');
  await keys.close();
}

/** A server that knows no key answers. */
async function useVault() {
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[]}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  const keys = new VaultKeyWrapProvider({ address, token: 'x' });
  const { name } = await keys.describeKey({ keyId: 'orders' }).catch((error) => error);
  expect(name, 'KeyNotFoundError');
  await keys.close();
  server.close();
  server.closeAllConnections();
}

/** The native add-on is not in the bundle. */
async function usePkcs11() {
  const options = { module: '/none.so', token: { label: 'none' }, pin: '1234' };
  const { message } = await Pkcs11KeyWrapProvider.open(options).catch((error) => error);
  expect(/pkcs11js could not be loaded/.test(message), 'true');
}

async function main() {
  await useLayers();
  await useVault();
  await usePkcs11();
  console.log('it works');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
