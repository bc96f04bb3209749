import {
  CreateKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import autocannon from 'autocannon';
import { ROUNDS, timeAlternately } from './alternate.js';
import type { Rounds } from './benchmark.js';
import { startServer } from './server-process.js';

const CONNECTIONS = 32;
const SECONDS_PER_SIDE = 2;
const CONNECTION = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' },
};
const EncryptionContext = { order: '2026-000123' };

async function makeKey(client: KMSClient): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand());
  return KeyMetadata?.Arn as string;
}

/** The request as the SDK sends it, signature and all. */
async function capture(client: KMSClient, KeyId: string) {
  let sent: { headers: Record<string, string>; body: string | Uint8Array } | undefined;
  const command = new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext });
  command.middlewareStack.add(
    (next) => (args) => {
      sent = args.request as typeof sent;
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  await client.send(command);
  const { headers, body } = sent as NonNullable<typeof sent>;
  // autocannon counts the body itself.
  delete headers['content-length'];
  return {
    headers,
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.concat([body]),
  };
}

/** Milliseconds for each request, with all connections busy. */
async function load(url: string, request: { headers: Record<string, string>; body: Buffer }) {
  const { duration, requests, non2xx, errors } = await autocannon({
    url,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS_PER_SIDE,
    headers: request.headers,
    body: request.body,
  });
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx + errors} requests to ${url} failed`);
  return (duration * 1000) / requests.total;
}

/** The KMS server, and the least that one with its answers has to do. */
export async function measureThroughput(): Promise<Rounds> {
  const kms = await startServer('kms-server');
  const client = new KMSClient({ ...CONNECTION, endpoint: kms.url });
  const key = await makeKey(client);
  const floor = await startServer('floor-server');
  const rounds = { ours: [] as number[], reference: [] as number[] };
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      // Captured anew, because a signature is only good for some minutes.
      const fresh = await capture(client, key);
      const [our, reference] = [await load(kms.url, fresh), await load(floor.url, fresh)];
      if (round === 0) continue; // warms up
      rounds.ours.push(our);
      rounds.reference.push(reference);
    }
  } finally {
    client.destroy();
    for (const server of [kms, floor]) server.stop();
  }
  return rounds;
}

/** provider-kms and the bare SDK, each of whose calls wait for the same server. */
export async function measureOverhead(): Promise<Rounds> {
  const { url: endpoint, stop } = await startServer('kms-server');
  const client = new KMSClient({ ...CONNECTION, endpoint });
  const provider = new KmsKeyWrapProvider({ ...CONNECTION, endpoint });
  try {
    const keyId = await makeKey(client);
    const plaintext = crypto.getRandomValues(new Uint8Array(32));
    const command = { KeyId: keyId, Plaintext: plaintext, EncryptionContext };
    return await timeAlternately({
      ours: () => provider.encrypt({ keyId, plaintext, encryptionContext: EncryptionContext }),
      reference: () => client.send(new EncryptCommand(command)),
      batch: 1,
      time: 500,
      unit: 'µs',
    });
  } finally {
    await provider.close();
    client.destroy();
    stop();
  }
}
