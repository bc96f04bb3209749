import { createRequire } from 'node:module';
import type { ClientOptions } from './options.js';

/**
 * Returns credentials of a channel without TLS, made by the client's own copy of gRPC: those of another copy would be
 * refused. In a file of its own, because `import.meta` is a syntax error to what compiles for CommonJS, such as jest.
 *
 * @param client The name of the client's package.
 */
export function insecureChannel(client: string): NonNullable<ClientOptions['sslCreds']> {
  const requireAsClient = createRequire(createRequire(import.meta.url).resolve(client));
  const { grpc } = requireAsClient('google-gax') as GaxModule;
  return grpc.credentials.createInsecure();
}

interface GaxModule {
  readonly grpc: {
    readonly credentials: { createInsecure(): NonNullable<ClientOptions['sslCreds']> };
  };
}
