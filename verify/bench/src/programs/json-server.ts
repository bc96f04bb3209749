// Started by the benchmark kms-server-throughput: answers every request with the JSON that is its first
// argument.
import { serveJson } from '../serve-json.js';

const answer: unknown = JSON.parse(process.argv[2] as string);
serveJson(() => answer);
