import { nodeModule } from './platform.js';

/** Counts the timers that a piece of work starts. */
export interface TimerWatch {
  /** Does the work, whose timers count. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** How many of them still keep the process alive. */
  left(): number;
  stop(): void;
}

/** Watches timers, where the runtime tells of them: Node.js does. It makes every promise slow meanwhile. */
export function watchTimers(): TimerWatch | undefined {
  const hooks = nodeModule('node:async_hooks');
  if (hooks === undefined) return undefined;
  const mark = new hooks.AsyncLocalStorage<true>();
  const running = new Map<number, { hasRef?(): boolean }>();
  const hook = hooks.createHook({
    init(id, type, _, resource) {
      if (type === 'Timeout' && mark.getStore()) running.set(id, resource);
    },
    destroy: (id) => void running.delete(id),
  });
  hook.enable();
  return {
    run: (work) => mark.run(true, work),
    left: () => [...running.values()].filter((timer) => timer.hasRef?.() !== false).length,
    stop: () => void hook.disable(),
  };
}
