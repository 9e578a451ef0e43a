/** Each connection's own limit, so that those born together do not all die together: in `[max * (1 - jitter), max]`. */
export function lifetimeWithin(max: number, jitter: number): number {
  return max === Infinity ? Infinity : max * (1 - jitter * Math.random());
}
