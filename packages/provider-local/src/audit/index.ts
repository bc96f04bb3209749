export { AuditLog, type AuditLogOptions } from './audit-log.js';
export { type AuditLogReport, verifyAuditLogs } from './audit-verify.js';
