/** What it all began with. */
export function rootOf(error: unknown): unknown {
  const { cause } = error as Error;
  return cause === undefined ? error : rootOf(cause);
}
