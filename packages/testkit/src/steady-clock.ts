/**
 * Runs work while every clock of this thread stands still and `Math.random` returns one number: what is made of these is
 * then the same each time. Only a case that runs alone may use it.
 */
export async function withSteadyClock<T>(work: () => Promise<T>): Promise<T> {
  const { Date: RealDate, performance: timer } = globalThis;
  const { process } = globalThis as { process?: NodeJS.Process };
  const ticks = process?.hrtime?.bigint;
  const patches: [target: object, name: string, value: unknown][] = [
    [RealDate, 'now', () => NOW],
    [globalThis, 'Date', frozen(RealDate)],
    [timer, 'now', () => TIMER],
    [Math, 'random', () => 0.5],
    ...(ticks === undefined
      ? []
      : [[process?.hrtime, 'bigint', () => 10n ** 12n] as [object, string, unknown]]),
  ];
  const undo = patches.map(([target, name, value]) => {
    const before = Object.getOwnPropertyDescriptor(target, name);
    Object.defineProperty(target, name, { value, writable: true, configurable: true });
    return () => {
      if (before === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, before);
    };
  });
  try {
    return await work();
  } finally {
    for (const each of undo.reverse()) each();
  }
}

const [NOW, TIMER] = [Date.now(), performance.now()];

/** A `Date` whose present is always the same moment. */
function frozen(RealDate: DateConstructor): DateConstructor {
  return new Proxy(RealDate, {
    construct: (target, given, self) =>
      Reflect.construct(target, given.length === 0 ? [NOW] : given, self),
  });
}
