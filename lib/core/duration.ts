import ms from 'ms';

/** Milliseconds, or a text the `ms` package reads: `'30s'`, `'2m'`, `'1.5h'`. A text of digits only is milliseconds. */
export type Duration = number | string;

/** The duration in milliseconds; `undefined` when it is none. */
export function parseDuration(duration: unknown): number | undefined {
  if (typeof duration === 'number') return Number.isNaN(duration) ? undefined : duration;
  if (typeof duration !== 'string' || duration.trim() === '') return undefined;
  if (duration === 'Infinity') return Infinity;
  return ms(duration as Parameters<typeof ms>[0]) as number | undefined;
}
