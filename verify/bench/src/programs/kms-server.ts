// Started by the KMS benchmarks: AWS KMS's protocol on this machine. Prints its URL.
import { startKmsServer } from '@keywrap/kms-server';

const { url } = await startKmsServer({ port: 0 });
console.log(url);
