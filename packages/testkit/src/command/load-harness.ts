import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KeyWrapProvider } from '@keywrap/core';
import type { ConformanceHarness, ConformanceSubject } from '../harness.js';
import { keysOf, type TestableKeyManager } from '../keys-of.js';
import { UsageError } from './arguments.js';

type Module = Readonly<Record<string, unknown>>;

/** Loads the provider that a module exports, in any form that the usage lists. */
export async function loadHarness(file: string): Promise<ConformanceHarness> {
  const url = pathToFileURL(path.resolve(file)).href;
  const exported = exportOf(await load(file, url), file);
  const name = nameOf(exported) ?? path.basename(file);
  if (isProvider(exported)) {
    // Each case that closes its provider needs a new one.
    let copies = 0;
    const another = async () =>
      copies++ === 0 ? exported : exportOf(await load(file, `${url}?copy=${copies}`), file);
    return { name, open: async () => subjectOf(await another(), file) };
  }
  if (isObject(exported) && typeof exported.open === 'function') {
    const open = exported.open as () => unknown;
    return { name, open: async () => subjectOf(await open.call(exported), file) };
  }
  if (typeof exported === 'function') {
    const make = exported as (new () => unknown) & (() => unknown);
    const open = async () => (isClass(exported) ? new make() : await make());
    return { name, open: async () => subjectOf(await open(), file) };
  }
  throw new UsageError(`${file} exports ${typeof exported}, not a harness or a provider`);
}

async function load(file: string, url: string): Promise<Module> {
  if (!existsSync(file))
    throw new UsageError(`can't load ${file}: it does not exist; is it compiled?`);
  try {
    return (await import(url)) as Module;
  } catch (error) {
    const hint = /\.[cm]?ts$/.test(file) ? ' (compile it first, and name the JavaScript file)' : '';
    throw new UsageError(`can't load ${file}${hint}: ${String(error)}`, { cause: error });
  }
}

function exportOf(module: Module, file: string): unknown {
  const outer = module.default as Module | undefined;
  // A CommonJS module has its exports in the default one.
  const found = module.harness ?? outer?.harness ?? outer?.default ?? outer;
  if (found !== undefined) return found;
  throw new UsageError(
    `${file} has neither a default export nor one named harness; it exports ${Object.keys(module).join(', ') || 'nothing'}`,
  );
}

function nameOf(exported: unknown): string | undefined {
  const { name, id } = exported as { name?: unknown; id?: unknown };
  // A class or function without a name is called `default`.
  return [name, id].find(
    (each): each is string => typeof each === 'string' && !['', 'default'].includes(each),
  );
}

function subjectOf(opened: unknown, file: string): ConformanceSubject {
  const parts = (isObject(opened) ? opened : {}) as Partial<ConformanceSubject>;
  const provider: unknown = parts.provider ?? opened;
  if (!isProvider(provider)) {
    throw new UsageError(`${file} does not open a KeyWrapProvider: it has no encrypt method`);
  }
  const keys = parts.keys ?? (isManager(provider) ? keysOf(provider) : undefined);
  if (typeof keys?.create !== 'function') {
    throw new UsageError(
      `${file} can not make keys: add a createKey method to the provider, or export a harness with keys.create`,
    );
  }
  if (parts.provider === undefined) return { provider, keys };
  // With every other member that it has: `cache`, `close`, and the hooks.
  return new Proxy(parts as ConformanceSubject, {
    get(_, name) {
      if (name === 'keys') return keys;
      const member: unknown = Reflect.get(parts, name, parts);
      return typeof member === 'function' ? member.bind(parts) : member;
    },
  });
}

/** Recognises a class that was compiled to a function, by its methods. */
function isClass(value: { readonly prototype?: unknown }): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value)) || isProvider(value.prototype);
}

function isObject(value: unknown): value is Module {
  return typeof value === 'object' && value !== null;
}

function isProvider(value: unknown): value is KeyWrapProvider {
  return isObject(value) && typeof value.encrypt === 'function';
}

function isManager(value: KeyWrapProvider): value is KeyWrapProvider & TestableKeyManager {
  return typeof (value as Partial<TestableKeyManager>).createKey === 'function';
}
