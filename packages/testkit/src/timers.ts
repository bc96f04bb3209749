import { nodeModule } from './platform.js';

/** Counts the timers that a piece of work starts. */
export interface TimerWatch {
  /** Does a part of the work, whose timers count. */
  run<T>(part: () => Promise<T>): Promise<T>;
  /** How many of them still keep the process alive; 0 where the runtime does not tell. */
  left(): number;
}

/** Does work and watches its timers, in Node.js. It makes every promise slow meanwhile. */
export async function watchTimers(work: (timers: TimerWatch) => Promise<void>): Promise<void> {
  const hooks = nodeModule('node:async_hooks');
  if (hooks === undefined) return work({ run: (part) => part(), left: () => 0 });
  const mark = new hooks.AsyncLocalStorage<true>();
  const running = new Map<number, { hasRef?(): boolean }>();
  const hook = hooks.createHook({
    init(id, type, _, resource) {
      if (type === 'Timeout' && mark.getStore()) running.set(id, resource);
    },
    destroy: (id) => void running.delete(id),
  });
  hook.enable();
  try {
    await work({
      run: (part) => mark.run(true, part),
      left: () => [...running.values()].filter((timer) => timer.hasRef?.() !== false).length,
    });
  } finally {
    hook.disable();
    mark.disable();
  }
}
