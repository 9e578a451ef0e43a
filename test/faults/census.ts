import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What a process has open besides its children and the pipes to them, and how much of each: descriptors of TCP and UDP
 * sockets, and all that holds its event loop open, such as timers, sockets and look-ups under way.
 */
export type Census = ReadonlyMap<string, number>;

/** What comes and goes with the children of a test and with its own reading of files. */
const OWN = /^(Pipe|Process|FSReq|Immediate)/;

export function takeCensus(): Census {
  const census = new Map([['descriptors of sockets', socketDescriptors()]]);
  for (const type of process.getActiveResourcesInfo()) {
    if (!OWN.test(type)) census.set(type, (census.get(type) ?? 0) + 1);
  }
  return census;
}

/** What there is more of than there was. */
export function excess(before: Census, now: Census): string[] {
  return [...now]
    .map(([what, count]) => ({ what, count: count - (before.get(what) ?? 0) }))
    .filter(({ count }) => count > 0)
    .map(({ what, count }) => `${count} ${what}`);
}

/** The kernel's own count. Sockets of children are Unix sockets; one that is cut off is in no list of addresses any more. */
function socketDescriptors(): number {
  const unix = new Set(
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .map((line) => `socket:[${line.trim().split(/\s+/)[6]}]`),
  );
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('socket:') && !unix.has(target);
    } catch {
      // The descriptor of the folder itself, which is closed by now.
      return false;
    }
  }).length;
}
