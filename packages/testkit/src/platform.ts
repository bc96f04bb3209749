// The suite runs in a page too, so it imports no module of Node.js: it takes one where the platform has it (Node.js, Bun,
// Deno) and does without elsewhere.

interface Modules {
  readonly 'node:async_hooks': typeof import('node:async_hooks');
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:events': typeof import('node:events');
  readonly 'node:util': typeof import('node:util');
  readonly 'node:v8': typeof import('node:v8');
  readonly 'node:vm': typeof import('node:vm');
}

/** Returns a module of Node.js; `undefined` where there is none. */
export function nodeModule<Name extends keyof Modules>(name: Name): Modules[Name] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.(name) as Modules[Name] | undefined;
}

/** The options of {@link inspect}, as those of `util.inspect`. */
interface InspectOptions {
  readonly depth?: number;
  readonly showHidden?: boolean;
  readonly customInspect?: boolean;
  readonly maxArrayLength?: null;
  readonly maxStringLength?: null;
}

/** Shows a value as `util.inspect` does; where there is none, with every own property of it. */
export function inspect(value: unknown, options: InspectOptions = {}): string {
  return nodeModule('node:util')?.inspect(value, options) ?? show(value, options.depth ?? 2);
}

function show(value: unknown, depth: number): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth < 0) return '[...]';
  if (ArrayBuffer.isView(value)) {
    return `[ ${[...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)].join(', ')} ]`;
  }
  const fields = Object.entries(Object.getOwnPropertyDescriptors(value)).map(
    ([name, { value: field }]) => `${name}: ${show(field, depth - 1)}`,
  );
  const text = value instanceof Error ? `${String(value)} ` : '';
  return `${text}{ ${fields.join(', ')} }`;
}
