import type { FuzzTarget } from './target.js';
import { auditLog } from './targets/audit-log.js';
import { blob } from './targets/blob.js';
import { encryptionContext } from './targets/encryption-context.js';
import { envelope } from './targets/envelope.js';
import { firstFormat } from './targets/first-format.js';
import { keyFiles } from './targets/key-files.js';
import { keyId } from './targets/key-id.js';
import { kmsHttp } from './targets/kms-http.js';
import { kmsRequest } from './targets/kms-request.js';
import { sigv4 } from './targets/sigv4.js';
import { storeProtection } from './targets/store-protection.js';
import { storeRow } from './targets/store-row.js';
import { url } from './targets/url.js';

/** Every parser of untrusted input. */
export const targets: readonly FuzzTarget[] = [
  blob,
  envelope,
  storeRow,
  storeProtection,
  firstFormat,
  auditLog,
  keyFiles,
  keyId,
  url,
  encryptionContext,
  kmsHttp,
  kmsRequest,
  sigv4,
];
