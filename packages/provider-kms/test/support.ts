import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KMSClient } from '@aws-sdk/client-kms';
import { KeyWrapError } from '@keywrap/core';
import { expect } from 'chai';
import sinon, { type SinonStub } from 'sinon';

export const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
export const KEY_ARN = `arn:aws:kms:eu-west-1:111122223333:key/${KEY_ID}`;
export const OTHER_ARN =
  'arn:aws:kms:eu-west-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321';

export const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY',
  sessionToken: 'AQoDYXdzEJrEXAMPLETOKEN',
};

/** A real client whose `send` returns the given response and reaches nothing. */
export function stubbedClient(response: object | Error = {}): {
  client: KMSClient;
  send: SinonStub;
} {
  const client = new KMSClient({ region: 'eu-west-1', credentials: CREDENTIALS });
  const send = sinon.stub(client, 'send') as SinonStub;
  if (response instanceof Error) send.rejects(response);
  else send.resolves(response);
  return { client, send };
}

/** Returns the error of a rejected promise, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}

/** Returns the error that a function throws, which must be one of the contract. */
export function thrown(work: () => unknown): Promise<KeyWrapError> {
  return rejection((async () => work())());
}

/** An HTTP server on the loopback interface for as long as a test runs. */
export async function withServer(
  respond: (request: IncomingMessage, response: ServerResponse) => void,
  test: (endpoint: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => respond(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await test(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Runs a test with the SDK seeing these environment variables and nothing of this machine. */
export async function withEnvironment(
  variables: Record<string, string>,
  test: () => Promise<void>,
): Promise<void> {
  const before = process.env;
  // AWS_SDK_JS_ says how the SDK itself runs, not what it connects to.
  const others = Object.entries(before).filter(([name]) => !/^AWS_(?!SDK_JS_)/.test(name));
  process.env = {
    ...Object.fromEntries(others),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
    ...variables,
  };
  try {
    await test();
  } finally {
    process.env = before;
  }
}
