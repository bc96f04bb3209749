import {
  AccessDeniedError,
  InvalidInputError,
  KeyWrapError,
  ProviderUnavailableError,
} from '@keywrap/core';
import { DamagedStoreError, diskFull } from '../errors.js';

// Error codes of PostgreSQL (postgresql.org/docs/current/errcodes-appendix.html); the first two characters are the class.

/** Returns PostgreSQL's error code; undefined for any other error: of a socket, of DNS, of pg. */
function codeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  // Each has a digit; EPIPE, which a socket reports, has none.
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Tells whether the server reported that it rolled back. After any other error, such as a lost connection or a server
 * shutdown (57P), the outcome of a running commit is unknown.
 */
export function isRejection(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && !/^(08|57P|58|XX)/.test(code);
}

/** Tells whether TLS or a certificate is missing or rejected, which a retry does not change. */
function isOfTls(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return /SSL connections?$/.test(message) || /CERT|^ERR_(TLS|SSL)|^UNABLE_TO/.test(code ?? '');
}

/** Turns what pg threw into a typed error that says what to do. */
export function explainPostgresError(error: unknown, location: string): KeyWrapError {
  if (error instanceof KeyWrapError) return error;
  const options = { cause: error };
  const { message } = error as NodeJS.ErrnoException;
  const denied = (problem: string) => new AccessDeniedError(problem, options);
  const damaged = (problem: string) => new DamagedStoreError(location, problem, options);
  const unavailable = (problem: string) => new ProviderUnavailableError(problem, options);
  const wrong = (problem: string) => new InvalidInputError('location', problem, options);
  const code = codeOf(error);
  switch (code) {
    case '53100':
      return diskFull(`change ${location}`, options);
    case '3D000':
      return wrong(`${location} does not exist; create the database`);
    case '25006':
      return denied(
        `could not change ${location}: the server is read-only, perhaps a standby; connect to the primary`,
      );
    case '42501':
      return denied(`could not use ${location}: ${message}; grant the user what it needs`);
    case '55P03':
      return unavailable(
        `${location} was locked by another process for too long; nothing was changed`,
      );
    case '22023':
    case '3F000':
    case '42704':
    case '55P02':
      return wrong(
        `has options that ${location} rejects: ${message}; check the schema and the settings in its URL`,
      );
    case '42P01':
    case '42703':
      return damaged(`is damaged: ${message}`);
  }
  if (code?.startsWith('28'))
    return denied(`${location} rejected the user or the password: ${message}`);
  if (code?.startsWith('XX')) return damaged(`reports ${message}`);
  if (code !== undefined) {
    return unavailable(`could not use ${location}: PostgreSQL reports ${message}`);
  }
  if (message.startsWith('SASL')) return denied(`${location} asks for a password: ${message}`);
  if (isOfTls(error)) {
    return wrong(
      `and TLS do not agree: ${location}: ${message}; check sslmode and the certificates`,
    );
  }
  const reason = message || (error as NodeJS.ErrnoException).code;
  return unavailable(`could not reach ${location}: ${reason}`);
}
