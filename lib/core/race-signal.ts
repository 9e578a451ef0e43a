/**
 * Waits for the work, but not beyond the signal, whose reason it rejects with.
 *
 * @param abandon - called when nobody waits for the work any more
 */
export function raceSignal<R>(work: Promise<R>, signal: AbortSignal, abandon: () => void): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
      abandon();
    };
    if (signal.aborted) return onAbort();
    const settled = (): void => {
      try {
        signal.removeEventListener('abort', onAbort);
      } catch {
        // A signal that is none of Node's; what it says later is too late.
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).then(settled, settled);
  });
}
