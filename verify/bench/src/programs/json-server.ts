// Started by the benchmark kms-server-throughput: responds to every request with the JSON that is its first
// argument.
import { serveJson } from '../serve-json.js';

const response: unknown = JSON.parse(process.argv[2] as string);
serveJson(() => response);
