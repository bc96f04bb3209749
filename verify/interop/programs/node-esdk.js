// Seals and opens messages with the AWS Encryption SDK for JavaScript. See README.md.
import { constants } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import {
  buildClient,
  CommitmentPolicy,
  getClient,
  KMS,
  KmsKeyringNode,
  MultiKeyringNode,
  RawRsaKeyringNode,
} from '@aws-crypto/client-node';

const clientProvider = getClient(KMS, { endpoint: process.env.KMS_ENDPOINT });

const COMMITS = [0x0478, 0x0578];
const LARGE = 1 << 20;

function keyringOf(key) {
  if (key.kms) return new KmsKeyringNode({ generatorKeyId: key.kms, clientProvider });
  return new RawRsaKeyringNode({
    keyNamespace: key.namespace,
    keyName: key.name,
    rsaKey: { publicKey: key.public_key, privateKey: key.private_key },
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: key.hash.toLowerCase(),
  });
}

function keyringFor(keys) {
  const [generator, ...children] = keys.map(keyringOf);
  return children.length > 0 ? new MultiKeyringNode({ generator, children }) : generator;
}

/** Uses the call for a whole message, or streams a large one. */
async function seal(request) {
  const { encrypt, encryptStream } = buildClient(
    COMMITS.includes(request.suite)
      ? CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
      : CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT,
  );
  const keyring = keyringFor(request.keys);
  const options = {
    suiteId: request.suite,
    encryptionContext: request.context,
    frameLength: request.frame_length,
  };
  if ((await stat(request.from)).size > LARGE) {
    const stream = encryptStream(keyring, options);
    await pipeline(createReadStream(request.from), stream, createWriteStream(request.to));
    return;
  }
  const { result } = await encrypt(keyring, await readFile(request.from), options);
  await writeFile(request.to, result);
}

async function open(request) {
  const { decrypt, decryptStream } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
  const keyring = keyringFor(request.keys);
  if ((await stat(request.from)).size > LARGE) {
    const stream = decryptStream(keyring);
    let header;
    stream.once('MessageHeader', (found) => {
      header = found;
    });
    await pipeline(createReadStream(request.from), stream, createWriteStream(request.to));
    assertContext(header.encryptionContext, request.context);
    return;
  }
  const { plaintext, messageHeader } = await decrypt(keyring, await readFile(request.from));
  await writeFile(request.to, plaintext);
  assertContext(messageHeader.encryptionContext, request.context);
}

function assertContext(actual, expected) {
  for (const [name, value] of Object.entries(expected)) {
    if (actual[name] !== value) throw new Error(`the pair ${name} is missing`);
  }
}

const operations = { seal, open };

for await (const line of createInterface({ input: process.stdin })) {
  const [operation] = line.split(' ', 1);
  try {
    await operations[operation](JSON.parse(line.slice(operation.length)));
    console.log('ok ');
  } catch (error) {
    console.log(`error ${String(error).split('\n', 1)[0]}`);
  }
}
