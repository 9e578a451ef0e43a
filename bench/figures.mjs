/** @typedef {import('./statistics.mjs').Spread} Spread */

/**
 * The median, and in brackets the lowest and the highest.
 *
 * @param {Spread | undefined} spread
 * @param {(value: number) => string} format
 */
export function withSpread(spread, format) {
  if (spread === undefined) return '–';
  if (spread.low === spread.high) return format(spread.median);
  return `${format(spread.median)} (${format(spread.low)}..${format(spread.high)})`;
}

export function whole(value) {
  return Math.round(value).toLocaleString('en');
}

export function hundredths(value) {
  return value.toFixed(2);
}
