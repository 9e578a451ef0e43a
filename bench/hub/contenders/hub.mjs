import { ConnHub } from '../../../dist/esm/hub/index.js';
import { framed, webSockets } from './web-sockets.mjs';

const BACKPLANES = {
  redis: async (url) => (await import('../../../dist/esm/redis/index.js')).redisBackplane({ url }),
  nats: async (url) => (await import('../../../dist/esm/nats/index.js')).natsBackplane({ url }),
};

/** @type {import('../contender.mjs').OpenContender} */
export async function open({ broker, options } = {}) {
  const backplane = broker && (await BACKPLANES[broker.kind](broker.url));
  const hub = new ConnHub({ backplane, ...options });
  await hub.start();
  const ids = [];
  const idOf = (at) => (ids[at] ??= `user-${at}`);
  let joined = 0;
  // It writes in the order in which it was asked.
  let last;
  const where = await webSockets((socket, at) => {
    joined += 1;
    hub.add(idOf(at), socket);
  });
  return {
    where,
    push: (at, text) => (last = hub.push(idOf(at), text)),
    broadcast: (text) => {
      last = hub.broadcast(text);
    },
    bytesOf: (text) => framed(text.length + 1),
    turn: () => last,
    check: () => {
      const { connections, totals } = hub.stats();
      const { offline, refused } = totals.pushed;
      if (connections !== joined || totals.dropped + offline + refused > 0)
        throw new Error('not all of it was sent');
    },
    queued: () => hub.stats().queuedMessages,
  };
}
