/** How long the event loop is held at a time. Three may follow upon each other, which is not to be over 10. Milliseconds. */
export const SLICE = 3;
/** Looking at the clock is not free. */
export const BETWEEN_LOOKS = 16;

/**
 * Visits all of them, and lets the event loop turn whenever it has been held too long.
 *
 * @param done - called after the last, in the same turn where there is nothing to wait for
 */
export function inSlices<T>(items: readonly T[], visit: (item: T) => void, done: () => void): void {
  let next = 0;
  const slice = (): void => {
    const end = performance.now() + SLICE;
    while (next < items.length) {
      visit(items[next] as T);
      next += 1;
      if (next % BETWEEN_LOOKS === 0 && next < items.length && performance.now() > end) {
        setImmediate(slice);
        return;
      }
    }
    done();
  };
  slice();
}
