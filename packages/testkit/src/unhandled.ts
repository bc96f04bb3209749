import { check } from './expect.js';

/** Gives up the thread for some turns of the event loop, in which what is over is cleaned up. */
export async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Fails the case if the work leaves a rejection that nobody handles, where the runtime tells of them. */
export async function expectAllHandled(work: () => Promise<void>): Promise<void> {
  const { process } = globalThis as { process?: NodeJS.Process };
  let unhandled = 0;
  const count = () => {
    unhandled++;
  };
  process?.on('unhandledRejection', count);
  try {
    await work();
    await turns();
  } finally {
    process?.off('unhandledRejection', count);
  }
  check(unhandled === 0, 'no unhandled rejection', `${unhandled} of them`);
}
