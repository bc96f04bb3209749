// Microsoft's client, loaded with the first call; nothing answers it here.
import { AzureKeyWrapProvider } from '@keywrap/provider-azure';

const TOKEN = { token: 'x', expiresOnTimestamp: Date.now() + 3_600_000 };

async function main() {
  const keys = new AzureKeyWrapProvider({
    vaultUrl: 'https://localhost:1',
    credential: { getToken: async () => TOKEN },
    clientOptions: { retryOptions: { maxRetries: 0 } },
  });
  const { code, message } = await keys.describeKey({ keyId: 'orders' }).catch((error) => error);
  if (code !== 'UNAVAILABLE') throw new Error(`${code}: ${message}`);
  console.log('it works');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
