import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { KMSClient } from '@aws-sdk/client-kms';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { CREDENTIALS, KEY_ARN, rejection } from './support.js';

// Self-signed, for 127.0.0.1, until 2126: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1
const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNEpushb3L6XsQKiu
QDZqb+E5zMyaOuacNQKP/SXlG6qhRANCAASMc3fOT1lmckbl+QkbyQxqFSmigknb
J9YH3vVjLC25F9BtFVKx3hEeOyNFgvkmr3dE3J4M3fYomKQk+B98R68N
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUe1rg14DG/4XGfomowcevHPYCX/wwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE1MDIwM1oYDzIxMjYxMDMw
MTUwMjAzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASMc3fOT1lmckbl+QkbyQxqFSmigknbJ9YH3vVjLC25F9BtFVKx3hEe
OyNFgvkmr3dE3J4M3fYomKQk+B98R68No2QwYjAdBgNVHQ4EFgQU4XrLDlYk7nML
JLpWEzP7kKmtYSYwHwYDVR0jBBgwFoAU4XrLDlYk7nMLJLpWEzP7kKmtYSYwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
IQDMdhUVYnxkjp37lo6K49qdVNjlvzcBWX3cSV8zLmB5vwIhAPgGD6tJI3Zx1Lgq
G9Ahn5T9ENy4gR9SLk1sVJpVqwoc
-----END CERTIFICATE-----`,
};
const PLAINTEXT = Buffer.from('a secret of the service');

describe('KmsKeyWrapProvider over TLS', () => {
  const requests: string[] = [];
  const server = createServer(SELF_SIGNED, async (request, response) => {
    requests.push(await text(request));
    response.end(JSON.stringify({ CiphertextBlob: 'AQID', KeyId: KEY_ARN }));
  });
  const encrypt = async (provider: KmsKeyWrapProvider) => {
    await using keys = provider;
    return await keys.encrypt({ keyId: KEY_ARN, plaintext: PLAINTEXT });
  };
  const connection = { region: 'eu-west-1', credentials: CREDENTIALS, maxAttempts: 1 };
  let endpoint: string;

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('sends nothing to a server whose certificate is not trusted (UNAVAILABLE)', async () => {
    const error = await rejection(encrypt(new KmsKeyWrapProvider({ ...connection, endpoint })));
    expect(error).to.include({ code: 'UNAVAILABLE' });
    expect(String(error.cause)).to.match(/self-signed certificate/);
    expect(requests).to.deep.equal([]);
  });

  it('and talks to the same one with a client that trusts it', async () => {
    const httpsAgent = new Agent({ ca: SELF_SIGNED.cert });
    const client = new KMSClient({ ...connection, endpoint, requestHandler: { httpsAgent } });
    await encrypt(new KmsKeyWrapProvider({ client }));
    client.destroy();
    expect(requests).to.have.length(1);
    expect(JSON.parse(requests[0] as string).Plaintext).to.equal(PLAINTEXT.toString('base64'));
  });
});
