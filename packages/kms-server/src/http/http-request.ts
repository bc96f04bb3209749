import type { IncomingMessage } from 'node:http';

/** Names with their values, in the sequence in which they came. */
export type Values = ReadonlyMap<string, readonly string[]>;

/** A request without its body, taken apart once: what is verified is what is used. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  /** The parameters of the query, decoded; undefined if they can't be. */
  readonly query: Values | undefined;
  /** By name in lower case. Repeated headers keep all their values. */
  readonly headers: Values;
}

const NONE: Values = new Map();

/** Takes apart what Node.js has parsed. Node.js's own `headers` drop and join repeated ones. */
export function parseHttpRequest({
  method = '',
  url = '',
  rawHeaders,
}: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>): HttpRequest {
  const end = url.indexOf('?');
  const headers = new Map<string, string[]>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    add(headers, (rawHeaders[i] as string).toLowerCase(), rawHeaders[i + 1] as string);
  }
  return {
    method,
    path: end < 0 ? url : url.slice(0, end),
    query: end < 0 ? NONE : parseQuery(url.slice(end + 1)),
    headers,
  };
}

/** Returns the value of a header; those of a repeated one are joined (RFC 9110 §5.3). */
export function headerOf({ headers }: Pick<HttpRequest, 'headers'>, name: string) {
  const values = headers.get(name);
  return values?.length === 1 ? values[0] : values?.join(', ');
}

function parseQuery(text: string): Values | undefined {
  const query = new Map<string, string[]>();
  try {
    for (const part of text.split('&')) {
      if (part === '') continue;
      const [name = '', ...value] = part.split('=');
      // A plus sign is itself: in signatures a space is %20.
      add(query, decodeURIComponent(name), decodeURIComponent(value.join('=')));
    }
    return query;
  } catch {
    return undefined;
  }
}

function add(values: Map<string, string[]>, name: string, value: string): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, [value]);
  else known.push(value);
}
