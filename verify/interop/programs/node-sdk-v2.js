import AWS from 'aws-sdk';
import { run } from './node.js';

await run(new AWS.KMS({ endpoint: process.env.KMS_ENDPOINT }));
