import fs from 'node:fs';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import {
  type AuditEvent,
  type AuditSink,
  InvalidInputError,
  ProviderClosedError,
  ProviderUnavailableError,
  wipe,
} from '@keywrap/core';
import { explainFileError } from '../store/errors.js';
import { assertPrivate, syncFolder } from '../store/private-files.js';
import { AuditChain, encode } from './audit-chain.js';
import type { AuditCheckpoint } from './checkpoints.js';
import { listLogs, MAXIMUM_LINE, readOwnFile } from './log-files.js';
import { parseAuditOptions } from './parse-audit-options.js';
import { CLOSED, type LogEnd, lastMac, OPENED } from './read-log.js';

/** The location of an audit log, and its key. */
export interface AuditLogOptions {
  /** The path of the folder of the logs; created if missing. Only its owner may enter it. */
  readonly folder: string;
  /** 32 bytes: the key of HMAC-SHA-256. Copied. Anyone who has it can forge a log. */
  readonly key: Uint8Array;
  /** The service or person that acts; by default the user of the process. */
  readonly actor?: string | undefined;
  /** The id of a group that may also enter the folder, such as Kubernetes' `fsGroup`. */
  readonly trustedGroup?: number | undefined;
  /** The id of the store whose keys are used; authenticated by the first line. */
  readonly storeId?: string | undefined;
  /**
   * Returns the newest generation of the store that this process has seen, which every line records. A store
   * that was replaced by an old copy is older than a log that is kept elsewhere.
   */
  readonly generation?: (() => number) | undefined;
  /**
   * Called after each line, to send the end of the log elsewhere: to another disk ({@link writeCheckpoints}), another
   * machine, or a printer. Lines cut off the end, a removed log, and a store that was rolled back together with its
   * logs then show. What it throws fails the call that is recorded.
   */
  readonly checkpoint?: ((checkpoint: AuditCheckpoint) => void) | undefined;
}

/** How many logs before it a log remembers. */
const REMEMBERED = 100;

/**
 * The audit log of one process: an append-only file of JSON lines. A sink for core's `withAuditLog`.
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, withAuditLog } from '@keywrap/core';
 * import { AuditLog } from '@keywrap/provider-local/audit';
 *
 * async function audited(keys: KeyWrapProvider, key: Uint8Array): Promise<KeyWrapProvider> {
 *   const log = await AuditLog.open({ folder: '/var/log/keywrap', key, actor: 'order-service' });
 *   return withAuditLog(keys, log);
 * }
 * ```
 */
export class AuditLog implements AuditSink {
  readonly #file: number;
  readonly #name: string;
  readonly #chain: AuditChain;
  readonly #who: object;
  readonly #options: Pick<AuditLogOptions, 'generation' | 'checkpoint'>;
  #seq = 0;
  #state: 'open' | 'broken' | 'closed' = 'open';

  private constructor(file: number, name: string, options: AuditLogOptions) {
    const { actor, storeId, key } = options;
    this.#file = file;
    this.#name = name;
    this.#chain = new AuditChain(key, storeId, name);
    this.#who = { user: userName(), host: hostname(), pid: process.pid, ...(actor && { actor }) };
    this.#options = options;
  }

  /**
   * Begins a log: a new file in the folder. Each process writes its own.
   *
   * @throws {@link InvalidInputError} for a key that is not 32 bytes, `AccessDeniedError` if others may enter
   * the folder or write one of its logs, {@link ProviderUnavailableError} if the disk is full or fails.
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const parsed = parseAuditOptions(options);
    const { folder, key, storeId, trustedGroup } = parsed;
    try {
      await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
      assertPrivate(folder, await fs.promises.stat(folder), trustedGroup);
      const before = await readEnds(parsed);
      const random = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex');
      // The order of names is the order in which logs begin.
      const name = `${new Date().toISOString().replace(/\W/g, '')}-${process.pid}-${random}.jsonl`;
      const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
      const flags = O_APPEND | O_CREAT | O_EXCL | O_WRONLY;
      const file = fs.openSync(path.join(folder, name), flags, 0o600);
      const log = new AuditLog(file, name, parsed);
      log.#append({ operation: OPENED, store: storeId, before });
      fs.fsyncSync(file);
      syncFolder(folder);
      return log;
    } catch (error) {
      throw explainFileError(error, `begin an audit log in ${folder}`);
    } finally {
      wipe(key);
    }
  }

  /**
   * Adds a line. It is written to the operating system when this returns, and to the disk when the log is
   * closed.
   *
   * @throws {@link ProviderUnavailableError} if it can't be written, and {@link InvalidInputError} for an event of more
   * than 1 MiB.
   */
  write(event: AuditEvent): void {
    this.#append(event);
  }

  /** Adds the last line: a log without it may have been truncated. */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') {
      this.#append({ operation: CLOSED });
      fs.fsyncSync(this.#file);
    }
    this.#state = 'closed';
    fs.closeSync(this.#file);
    this.#chain.destroy();
  }

  #append(event: object): void {
    if (this.#state === 'closed') throw new ProviderClosedError('this audit log was closed');
    if (this.#state === 'broken') {
      throw new ProviderUnavailableError('an earlier write to the audit log failed; open another');
    }
    const time = new Date().toISOString();
    const generation = this.#options.generation?.();
    const line = { seq: this.#seq, time, ...this.#who, generation, ...event };
    const { text, mac } = this.#chain.next(line);
    if (text.length > MAXIMUM_LINE) {
      throw new InvalidInputError('event', `makes a line of more than ${MAXIMUM_LINE} characters`);
    }
    const { size } = fs.fstatSync(this.#file);
    try {
      const bytes = Buffer.from(text);
      if (fs.writeSync(this.#file, bytes) !== bytes.length) {
        throw Object.assign(new Error('cut short'), { code: 'ENOSPC' });
      }
    } catch (error) {
      this.#takeBack(size);
      throw explainFileError(error, 'write the audit log');
    }
    this.#chain.accept(mac);
    this.#seq += 1;
    const closed = (event as { operation?: unknown }).operation === CLOSED;
    this.#options.checkpoint?.({
      log: this.#name,
      lines: this.#seq,
      mac: encode(mac),
      generation,
      closed,
    });
  }

  /** Removes half a line, which would look like a truncated log. */
  #takeBack(size: number): void {
    try {
      fs.ftruncateSync(this.#file, size);
    } catch {
      this.#state = 'broken';
    }
  }
}

/** Returns the newest logs with a genuine line, and the MAC of the last one: what else lies there is no log. */
async function readEnds({
  folder,
  key,
  storeId,
  trustedGroup,
}: AuditLogOptions): Promise<LogEnd[]> {
  const ends: LogEnd[] = [];
  for (const name of (await listLogs(folder)).reverse()) {
    const mac = await readOwnFile(path.join(folder, name), trustedGroup, (handle) =>
      lastMac(handle, () => new AuditChain(key, storeId, name)),
    );
    if (mac !== undefined) ends.unshift([name, mac]);
    if (ends.length === REMEMBERED) break;
  }
  return ends;
}

/** Returns the operating system's name of the user, which a container may not have. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
