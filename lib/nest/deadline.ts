import { LONGEST_TIMER } from '../core/longest-timer.js';

/**
 * What the work gives, or a rejection when it has given nothing by then. The work itself goes on; a rejection of it that
 * comes too late is nobody's any more.
 *
 * @param ms - how long it may take
 * @param late - says what is missing
 */
export async function withDeadline<R>(work: () => Promise<R>, ms: number, late: string): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(new Error(`${late} within ${ms} ms`));
    timer = setTimeout(giveUp, Math.min(ms, LONGEST_TIMER));
  });
  try {
    return await Promise.race([work(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
