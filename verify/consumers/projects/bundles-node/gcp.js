// Google's client, loaded with the first call; nothing answers it here.
import { GcpKeyWrapProvider } from '@keywrap/provider-gcp';

async function main() {
  const keys = new GcpKeyWrapProvider({
    project: 'my-project',
    location: 'global',
    keyRing: 'ring',
    endpoint: 'https://localhost:1',
    clientRetries: false,
    clientOptions: { credentials: { client_email: 'a@b', private_key: 'none' } },
  });
  const { code, message } = await keys.describeKey({ keyId: 'orders' }).catch((error) => error);
  if (code !== 'UNAVAILABLE') throw new Error(`${code}: ${message}`);
  await keys.close();
  console.log('it works');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
