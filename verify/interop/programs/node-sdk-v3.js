import { KMS } from '@aws-sdk/client-kms';
import { run } from './node.js';

await run(new KMS({ endpoint: process.env.KMS_ENDPOINT }));
