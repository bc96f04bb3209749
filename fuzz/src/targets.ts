import type { FuzzTarget } from './target.js';
import { auditLog } from './targets/audit-log.js';
import { blob } from './targets/blob.js';
import { encryptionContext } from './targets/encryption-context.js';
import { keyFiles } from './targets/key-files.js';
import { keyId } from './targets/key-id.js';
import { kmsHttp } from './targets/kms-http.js';
import { kmsRequest } from './targets/kms-request.js';
import { sigv4 } from './targets/sigv4.js';
import { storeBackup } from './targets/store-backup.js';
import { storeManifest } from './targets/store-manifest.js';
import { storeRecord } from './targets/store-record.js';
import { url } from './targets/url.js';

/** Everything that reads what somebody else has written. */
export const targets: readonly FuzzTarget[] = [
  blob,
  storeManifest,
  storeRecord,
  storeBackup,
  auditLog,
  keyFiles,
  keyId,
  url,
  encryptionContext,
  kmsHttp,
  kmsRequest,
  sigv4,
];
