import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { formsOf, type Needle, unmask } from './needles.js';

/** Where secrets were found: `label: form`, sorted. */
export type Findings = readonly string[];

const CHUNK = 16 * 1024 * 1024;
/** Longer than any form of a needle. */
const OVERLAP = 256;

/**
 * Searches all writable memory of another process: its heaps, stacks and buffers. Linux only; the process must
 * be a child of this one.
 */
export function searchMemory(pid: number, needles: readonly Needle[]): Findings {
  const wanted = formsToFind(needles);
  const found = new Set<string>();
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [from, to] of writableRegions(pid)) {
      for (let at = from; at < to; at += CHUNK - OVERLAP) {
        const chunk = Buffer.alloc(Math.min(CHUNK, to - at));
        const length = readWhatIsThere(file, chunk, at);
        if (length > 0) find(chunk.subarray(0, length), wanted, found);
      }
    }
  } finally {
    closeSync(file);
  }
  return [...found].sort();
}

/** Searches the strings of a heap snapshot. The bytes of buffers are not in it. */
export function searchSnapshot(file: string, needles: readonly Needle[]): Findings {
  const { strings } = JSON.parse(readFileSync(file, 'utf8')) as { strings: string[] };
  const all = strings.join('\n');
  const found = new Set<string>();
  for (const needle of needles) {
    const secret = unmask(needle);
    const { bytes, hex, base64 } = formsOf(secret);
    for (const [form, text] of Object.entries({ bytes, hex, base64 })) {
      // V8 writes a space for the character NUL, which every 16th secret has.
      if (all.includes(text.toString('latin1').replaceAll('\0', ' '))) {
        found.add(`${needle.label}: ${form}`);
      }
    }
  }
  return [...found].sort();
}

function formsToFind(needles: readonly Needle[]): readonly (readonly [string, Buffer])[] {
  return needles.flatMap((needle) =>
    Object.entries(formsOf(unmask(needle))).map(
      ([form, bytes]) => [`${needle.label}: ${form}`, bytes] as const,
    ),
  );
}

function find(
  memory: Buffer,
  wanted: readonly (readonly [string, Buffer])[],
  found: Set<string>,
): void {
  for (const [name, bytes] of wanted) {
    if (!found.has(name) && memory.includes(bytes)) found.add(name);
  }
}

function writableRegions(pid: number): readonly (readonly [from: number, to: number])[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map(([, from, to]) => [Number.parseInt(from ?? '', 16), Number.parseInt(to ?? '', 16)]);
}

/** Some regions, such as those of devices, can't be read. */
function readWhatIsThere(file: number, chunk: Buffer, at: number): number {
  try {
    return readSync(file, chunk, 0, chunk.length, at);
  } catch {
    return 0;
  }
}
