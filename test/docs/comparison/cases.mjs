// The rows of the README's table that can be tried out, by what they say. Each case gives what the table's cell says.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** What has not come by then will not come: it is longer than any limit of the pools. */
const NEVER = 3000;
/** For what must come, however slow the machine is. */
const LONG = 40_000;

const forever = () => new Promise(() => undefined);
const anew = async () => ({});

/**
 * @typedef {(resources: import('./pools.mjs').Resources) => Promise<import('./pools.mjs').Pool>} Make
 * @typedef {(make: Make, patience: number) => Promise<boolean | string>} Case
 */

/** Whether it has come to an end, good or bad. */
function ends(promise, patience) {
  const ended = Promise.resolve(promise).then(
    () => true,
    () => true,
  );
  return Promise.race([ended, delay(patience, false)]);
}

/** What was acquired, if anything was. */
function granted(acquiring, patience) {
  return Promise.race([acquiring.catch(() => undefined), delay(patience, undefined)]);
}

/** Calls it, whatever it throws or rejects with, and does not wait long for what never answers. */
async function quietly(call) {
  await Promise.race([(async () => call())().catch(() => undefined), delay(50)]);
}

/** @type {Case} */
async function leavesTheNextBorrowerAlone(make, patience) {
  const pool = await make({ create: anew });
  const first = await pool.acquire();
  await quietly(() => pool.release(first));
  await pool.acquire();
  await quietly(() => pool.release(first));
  return (await granted(pool.acquire(), patience)) === undefined;
}

/** @type {Case} */
async function countsWhatIsBeingClosed(make, patience) {
  let live = 0;
  let peak = 0;
  const create = async () => {
    peak = Math.max(peak, ++live);
    return {};
  };
  const destroy = async () => {
    await delay(50);
    live--;
  };
  const pool = await make({ create, destroy });
  for (let round = 0; round < 4; round++) {
    const borrowed = await granted(pool.acquire(), patience);
    if (borrowed !== undefined) await quietly(() => void pool.discard(borrowed));
  }
  return peak === 1;
}

/** @type {Case} */
async function closesWhatWasNeverReturned(make, patience) {
  let destroyed = 0;
  const pool = await make({ create: anew, destroy: async () => void destroyed++ });
  await pool.acquire();
  return (await ends(pool.close(), patience)) && destroyed === 1;
}

/** @type {Case} */
async function dialsOutsideOfTheBorrower(make) {
  const storage = new AsyncLocalStorage();
  const seen = [];
  const create = async () => {
    seen.push(storage.getStore());
    return {};
  };
  const pool = await make({ create });
  await storage.run('borrower', () => pool.acquire());
  return seen.length > 0 && seen.every((store) => store === undefined);
}

/** Borrows and gives back, as often as it takes to meet the call that hangs, and then once more. */
async function survives(pool, patience) {
  for (let round = 0; round < 2; round++) {
    const borrowed = await granted(pool.acquire(), patience);
    if (borrowed !== undefined) await quietly(() => pool.release(borrowed));
  }
  return (await granted(pool.acquire(), patience)) !== undefined;
}

/** @type {Case} */
async function survivesAHungDial(make, patience) {
  let dials = 0;
  return survives(await make({ create: () => (++dials === 1 ? forever() : anew()) }), patience);
}

/** @type {Case} */
async function survivesAHungCheck(make, patience) {
  let checks = 0;
  const validate = async () => (++checks === 1 ? forever() : true);
  return survives(await make({ create: anew, validate }), patience);
}

/** @type {Case} */
async function closesInSpiteOfAHungClose(make, patience) {
  const pool = await make({ create: anew, destroy: forever });
  const borrowed = await pool.acquire();
  await quietly(() => pool.release(borrowed));
  return ends(pool.close(), patience);
}

/** @type {Case} */
async function fillsMin(make, patience) {
  let filled = () => undefined;
  const full = new Promise((resolve) => (filled = resolve));
  let dials = 0;
  const create = async () => {
    if (++dials === 2) filled();
    return {};
  };
  const pool = await make({ create, min: 2, max: 3 });
  await quietly(() => pool.start?.());
  return ends(full, patience);
}

/** @type {Case} */
async function tellsWhyADialFails(make) {
  const reason = new Error('no route');
  let dials = 0;
  const create = async () => {
    dials++;
    await turn();
    throw reason;
  };
  const pool = await make({ create });
  const error = await pool.acquire().catch((rejection) => rejection);
  if (dials > 50) return 'no';
  return error === reason || error.cause === reason ? 'yes' : 'at the timeout';
}

/** Each alone in its own pool, so they can be tried side by side. */
const CASES = {
  "an old borrower's second release leaves the next borrower alone": leavesTheNextBorrowerAlone,
  '`max` also counts what is being closed': countsWhatIsBeingClosed,
  'close ends although something was never returned, and closes it': closesWhatWasNeverReturned,
  "dials stay out of the borrower's async context": dialsOutsideOfTheBorrower,
  'a dial that never answers gives its slot back': survivesAHungDial,
  'a check that never answers gives its slot back': survivesAHungCheck,
  'a close that never answers does not hold up closing the pool': closesInSpiteOfAHungClose,
  '`min` is filled at the start': fillsMin,
};
/** Afterwards: what dials without a pause leaves no room for others. */
const LAST = { 'a dial that always fails: callers are told why, no busy loop': tellsWhyADialFails };

/**
 * Tries everything.
 *
 * @param {Make} make
 * @param {Record<string, string>} cells - what the table says, which decides on how long to wait and on nothing else
 * @returns {Promise<Record<string, string>>} what the table should say
 */
export async function tryAll(make, cells) {
  const found = {};
  const tryOut = async ([row, oneCase]) => {
    const verdict = await oneCase(make, cells[row] === 'no' ? NEVER : LONG);
    found[row] = typeof verdict === 'string' ? verdict : verdict ? 'yes' : 'no';
  };
  await Promise.all(Object.entries(CASES).map(tryOut));
  for (const last of Object.entries(LAST)) await tryOut(last);
  return found;
}
