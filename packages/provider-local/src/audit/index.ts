export { AuditLog, type AuditLogOptions } from './audit-log.js';
export {
  type AuditLogReport,
  type VerifyAuditLogsOptions,
  verifyAuditLogs,
} from './audit-verify.js';
export {
  type AuditCheckpoint,
  type ReadCheckpointsOptions,
  readCheckpoints,
  writeCheckpoints,
} from './checkpoints.js';
