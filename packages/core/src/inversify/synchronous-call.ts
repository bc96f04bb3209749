/**
 * Returns the container's synchronous method that is deactivating, such as `unbindAll`, or undefined if it is an
 * asynchronous one or unknown.
 *
 * inversify deactivates first, throws if that was asynchronous, and unbinds all the same once it is over. It does not
 * pass which method was called, so this looks for its public name on the call stack. A stack that does not tell counts
 * as asynchronous.
 */
export function synchronousCall(): string | undefined {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 50);
  const stack = String(new Error().stack);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  const calls = [...stack.matchAll(/(?:^|[ .])((?:unbind|unbindAll|unload)(?:Async)?)(?= \(|@)/gm)];
  const names = calls.map(([, name]) => name);
  return names.some((name) => name?.endsWith('Async')) ? undefined : names[0];
}
