import { BEGINNING } from './world.js';

/** What no decision depends on: it is the same all the time, is only written, or only told. */
const IGNORED = new Set(
  [
    // The same all the time.
    'options connector context clock shapes kinds lender usualPlace title name pool',
    // Counted for stats() and for reports, and never read by the engine otherwise.
    'totals closeFailures forced atClose startedAt',
    // Told in errors and events. What listens to events is the test.
    'events events$ channels cause lastError spoiledBy abandonedFor attempt failures failingSince enteredAt backsOff',
    // Of a turn of the event loop that is over.
    'beganAt value',
    // Where something stands in a roster, and its number: see there.
    'seat id lastId',
  ].flatMap((names) => names.split(' ')),
);

/** Numbers that are only compared with each other, of which only the order matters. */
const RANKED: Readonly<Record<string, string>> = {
  number: 'number',
  joined: 'number',
  generation: 'generation',
  dials: 'dials',
  dialsBefore: 'dials',
  // With `idleTimeout` off.
  since: 'since',
};

/** Longer ago than any duration in use: how much longer has no consequence. */
const LONG_AGO = -50;

/**
 * Everything that can be reached from some objects, as text: two histories with the same text have left behind the same
 * objects, joined in the same way, and so have the same future. Times count from `now`.
 */
export function fingerprint(roots: readonly unknown[], now: number): string {
  const seen = new Map<object, number>();
  const out: (string | number)[] = [];
  const ranked = new Map<string, { at: number; value: number }[]>();

  const rank = (family: string, value: number): void => {
    const values = ranked.get(family) ?? [];
    ranked.set(family, values);
    values.push({ at: out.length, value });
    out.push(0);
  };

  const number = (key: string, value: number): void => {
    const family = RANKED[key];
    if (family !== undefined && Number.isFinite(value)) rank(family, value);
    // With `maxUses` off it only matters whether there was any.
    else if (key === 'uses') out.push(Math.min(value, 1));
    // Of the back-off, whose first step is its longest.
    else if (key === 'rounds') out.push('');
    // That is over when it is over.
    else if (key === 'readyAt') out.push(`@${Math.max(0, value - now)}`);
    else if (value === -Infinity || (value >= BEGINNING / 2 && value < Infinity))
      out.push(`@${Math.max(LONG_AGO, value - now)}`);
    else out.push(value);
  };

  const visit = (key: string, value: unknown): void => {
    if (typeof value === 'number') return number(key, value);
    if (typeof value === 'function') return void out.push('f');
    if (typeof value !== 'object' || value === null) return void out.push(String(value));
    const known = seen.get(value);
    if (known !== undefined) return void out.push(`#${known}`);
    seen.set(value, seen.size);
    const kind = value.constructor.name;
    switch (kind) {
      case 'Array':
      case 'Set':
      case 'Map':
        out.push('[');
        for (const each of value as Iterable<unknown>) visit('', each);
        return void out.push(']');
      // The rest of it is for the report.
      case 'Closing':
        return visit('drainEnd', (value as { drainEnd?: unknown }).drainEnd);
      case 'AbortController':
        return visit(key, (value as AbortController).signal);
      case 'AbortSignal':
        return void out.push(kind, String((value as AbortSignal).aborted));
      // What the pool knows nothing of: the connection itself, what is outside of JavaScript, why something was wrong.
      case 'Conn':
      case 'Promise':
      case 'AsyncResource':
        return void out.push(kind);
    }
    if (kind.endsWith('Error')) return void out.push(kind);
    const { state, all } = value as { state?: string; all?: { id: number }[] };
    // It never comes back. What a given-up dial makes is closed beside the pool.
    if (kind === 'Connection' && state === 'gone') return void out.push('gone');
    // Gone through in the order of their numbers, for which these are there.
    if (kind === 'Roster')
      return visit(
        '',
        all?.toSorted((one, other) => one.id - other.id),
      );
    object(kind, value as Readonly<Record<string, unknown>>);
  };

  const object = (kind: string, value: Readonly<Record<string, unknown>>): void => {
    out.push('{', kind);
    // The tenancies of a connection are only compared with its present one.
    const { tenancy } = (value['connection'] ?? value) as { tenancy?: number };
    for (const [name, each] of Object.entries(value)) {
      if (IGNORED.has(name)) continue;
      out.push(name);
      if (kind === 'Connection' && isOnlyTold(name, value['state'])) continue;
      // What is not appointed has no time.
      if (name === 'at' && value['place'] === -1) continue;
      if (name === 'tenancy' || name === 'spoiled') out.push(String(each === tenancy));
      else visit(name, each);
    }
    out.push('}');
  };

  for (const root of roots) visit('', root);
  for (const values of ranked.values()) {
    const order = [...new Set(values.map(({ value }) => value))].sort((one, other) => one - other);
    for (const { at, value } of values) out[at] = order.indexOf(value);
  }
  return out.join();
}

/** Since when a connection is checked, reset or closed is told when that is over, and nothing else comes of it. */
function isOnlyTold(name: string, state: unknown): boolean {
  if (name === 'dueAt') return state === 'checking' || state === 'resetting';
  return name === 'since' && state === 'closing';
}
