import {
  CreateKeyCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import autocannon from 'autocannon';
import { ROUNDS, timeAlternately } from './alternate.js';
import { quantile, type Rounds } from './benchmark.js';
import { type ServerProcess, startServer } from './server-process.js';

const CONNECTIONS = 32;
const SECONDS_PER_SIDE = 2;
const CONNECTION = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' },
};
const RSA = { KeySpec: 'RSA_4096', KeyUsage: 'SIGN_VERIFY' } as const;
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
  const [kms, floor] = [await startServer('kms-server'), await startServer('floor-server')];
  return compare(kms, floor);
}

/** Two workers and one process of the command, each with a store of its own in a file. */
export async function measureWorkers(): Promise<Rounds> {
  const two = await startServer('kms-command', '2');
  return compare(two, await startServer('kms-command', '1'), true);
}

/** Loads two servers in turn. @param hasKeys Whether the reference has keys; otherwise it takes any. */
async function compare(
  ours: ServerProcess,
  reference: ServerProcess,
  hasKeys = false,
): Promise<Rounds> {
  const rounds = { ours: [] as number[], reference: [] as number[] };
  const clientOf = ({ url }: ServerProcess) => new KMSClient({ ...CONNECTION, endpoint: url });
  const [client, other] = [clientOf(ours), clientOf(reference)];
  try {
    const key = await makeKey(client);
    const otherKey = hasKeys ? await makeKey(other) : undefined;
    for (let round = 0; round <= ROUNDS; round++) {
      // Captured anew, because a signature is only good for some minutes.
      const request = await capture(client, key);
      const otherRequest = otherKey === undefined ? request : await capture(other, otherKey);
      const times = [await load(ours.url, request), await load(reference.url, otherRequest)];
      if (round === 0) continue; // warms up
      rounds.ours.push(times[0] as number);
      rounds.reference.push(times[1] as number);
    }
  } finally {
    for (const each of [client, other]) each.destroy();
    for (const server of [ours, reference]) server.stop();
  }
  return rounds;
}

const RSA_CLIENTS = 12;

/** One client beside those that have RSA keys made, and alone. */
export async function measureWaiting(): Promise<Rounds> {
  const { url: endpoint, stop } = await startServer('kms-server');
  const rounds = { ours: [] as number[], reference: [] as number[] };
  const client = new KMSClient({ ...CONNECTION, endpoint });
  try {
    const command = new DescribeKeyCommand({ KeyId: await makeKey(client) });
    const p99 = async () => {
      const waits: number[] = [];
      const end = performance.now() + SECONDS_PER_SIDE * 1000;
      for (let now = performance.now(); now < end; now = performance.now()) {
        await client.send(command);
        waits.push(performance.now() - now);
      }
      return quantile(waits, 0.99);
    };
    for (let round = 0; round <= ROUNDS; round++) {
      const alone = await p99();
      const others = Array.from({ length: RSA_CLIENTS }, () => {
        return new KMSClient({ ...CONNECTION, endpoint, maxAttempts: 1 });
      });
      const made = others.map((other) => other.send(new CreateKeyCommand(RSA)).catch(() => {}));
      const beside = await p99();
      // Their connections close, and no more keys are made for them.
      for (const other of others) other.destroy();
      await Promise.all(made);
      if (round === 0) continue; // warms up
      rounds.reference.push(alone + 100);
      rounds.ours.push(beside);
    }
  } finally {
    client.destroy();
    stop();
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
