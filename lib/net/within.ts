import { LONGEST_TIMER } from '../core/longest-timer.js';

/**
 * Waits for the work, but not beyond a limit or a signal.
 *
 * @param limit - in milliseconds; 0 or `Infinity` = none
 * @param late - makes what it rejects with at the limit; at the signal it is the signal's own reason
 */
export function within<R>(
  work: Promise<R>,
  limit: number,
  signal: AbortSignal | undefined,
  late: () => Error,
): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const outcome = new Promise<R>((resolve, reject) => {
    if (limit > 0 && limit < Infinity)
      timer = setTimeout(() => reject(late()), Math.min(limit, LONGEST_TIMER));
    onAbort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject);
  });
  return outcome.finally(() => {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  });
}
