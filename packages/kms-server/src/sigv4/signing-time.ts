/** ISO 8601, basic format: `20260131T235959Z`. */
const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** The format of `Date` (RFC 9110 §5.6.7): `Sat, 31 Jan 2026 23:59:59 GMT`. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Parses the time of a signature, in either format; undefined if there is no such time. */
export function parseTime(text: string): Date | undefined {
  const isBasic = BASIC.test(text);
  if (!isBasic && !HTTP_DATE.test(text)) return undefined;
  const time = new Date(isBasic ? text.replace(BASIC, '$1-$2-$3T$4:$5:$6Z') : text);
  // JavaScript takes February 30 for March 2.
  const isSame = isBasic ? () => formatTime(time) === text : () => time.toUTCString() === text;
  return Number.isNaN(time.getTime()) || !isSame() ? undefined : time;
}

/** Formats a time in ISO 8601, basic format. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+|[:-]/g, '');
}
