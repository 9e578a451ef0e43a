import { ConnHub } from '../../../dist/esm/hub/index.js';
import { framed, webSockets } from './web-sockets.mjs';

/** @type {import('../contender.mjs').OpenContender} */
export async function open() {
  const hub = new ConnHub();
  const ids = [];
  // It writes in the order in which it was asked.
  let last;
  const where = await webSockets((socket, at) => {
    ids[at] = `user-${at}`;
    hub.add(ids[at], socket);
  });
  return {
    where,
    push: (at, text) => {
      last = hub.push(ids[at], text);
    },
    broadcast: (text) => {
      last = hub.broadcast(text);
    },
    bytesOf: (text) => framed(text.length + 1),
    turn: () => last,
    check: () => {
      const { connections, totals } = hub.stats();
      if (connections !== ids.length || totals.dropped > 0 || totals.pushed.refused > 0)
        throw new Error('not all of it was sent');
    },
  };
}
