// Google's client, loaded with the first call; nothing answers it here.
import { GcpKeyWrapProvider } from '@keywrap/provider-gcp';

const NOBODY = { universeDomain: 'googleapis.com', getRequestHeaders: async () => new Headers() };

async function main() {
  const keys = new GcpKeyWrapProvider({
    project: 'my-project',
    location: 'global',
    keyRing: 'my-ring',
    endpoint: 'https://localhost:1',
    clientRetries: false,
    clientOptions: { authClient: NOBODY },
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
