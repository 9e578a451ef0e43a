import type { EventEmitter } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';

/** Of what keeps an event loop alive: what comes and goes with the test runner. */
const OF_THE_RUNNER = /^(FSReq|Immediate|PipeWrap|MessagePort|Worker)/;

/** What the process has open: its sockets, by inode, and what holds its event loop open, by kind. */
export interface Census {
  readonly sockets: ReadonlySet<string>;
  readonly handles: ReadonlyMap<string, number>;
  readonly listeners: number;
}

export function takeCensus(): Census {
  const handles = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!OF_THE_RUNNER.test(kind)) handles.set(kind, (handles.get(kind) ?? 0) + 1);
  }
  const listeners = Object.values(listenersOf(process)).reduce((sum, count) => sum + count, 0);
  return { sockets: openSockets(), handles, listeners };
}

/** What there is more of than there was. */
export function excess(before: Census, now: Census): string[] {
  const sockets = [...now.sockets].filter((socket) => !before.sockets.has(socket));
  const handles = [...now.handles]
    .map(([kind, count]) => ({ kind, more: count - (before.handles.get(kind) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} ${kind}`);
  const listeners = now.listeners - before.listeners;
  return [
    ...sockets.map((socket) => `descriptor ${socket}`),
    ...handles,
    ...(listeners > 0 ? [`${listeners} listeners on the process`] : []),
  ];
}

/** How many listeners there are for each event. */
export function listenersOf(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(
    emitter
      .eventNames()
      .map((name) => [String(name), emitter.listenerCount(name)] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** The kernel's own list. */
function openSockets(): Set<string> {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor of the folder itself, which is closed by now.
      return '';
    }
  });
  return new Set(links.filter((link) => link.startsWith('socket:')));
}
