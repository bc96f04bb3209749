/**
 * Runs work while every clock of this thread stands still and `Math.random` returns one number: what is made of these is
 * then the same each time. Only a case that runs alone may use it.
 */
export function withSteadyClock<T>(work: () => Promise<T>): Promise<T> {
  return withClock(
    () => 0,
    () => 0.5,
    work,
  );
}

/** How far a clock leaps each time that it is looked at, in milliseconds. */
const LEAP = 2000;

/** Runs work while every clock of this thread leaps: each call seems to take seconds. */
export function withLeapingClock<T>(work: () => Promise<T>): Promise<T> {
  let leaps = 0;
  return withClock(() => LEAP * ++leaps, undefined, work);
}

/** Replaces the clocks: `passed` returns the milliseconds since the start. */
async function withClock<T>(
  passed: () => number,
  random: (() => number) | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const { Date: RealDate, performance: timer } = globalThis;
  const { process } = globalThis as { process?: NodeJS.Process };
  const ticks = Object.assign(() => [1000 + Math.floor(passed() / 1000), 0], {
    bigint: () => 10n ** 12n + BigInt(passed()) * 1_000_000n,
  });
  const patches: [target: object, name: string, value: unknown][] = [
    [RealDate, 'now', () => NOW + passed()],
    [globalThis, 'Date', clocked(RealDate, () => NOW + passed())],
    [timer, 'now', () => TIMER + passed()],
    ...(random === undefined ? [] : [[Math, 'random', random] as [object, string, unknown]]),
    ...(process?.hrtime === undefined
      ? []
      : [[process, 'hrtime', ticks] as [object, string, unknown]]),
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

/** A `Date` whose present is what the clock says. */
function clocked(RealDate: DateConstructor, now: () => number): DateConstructor {
  return new Proxy(RealDate, {
    construct: (target, given, self) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, self),
  });
}
