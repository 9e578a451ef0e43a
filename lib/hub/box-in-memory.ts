import { forwarded, type HubInstance, type Packet } from './backplane.js';
import type { Box, LostPost, NumberedPost } from './box.js';
import type { MemoryBox } from './memory-box.js';

/** Who else is there, as one instance sees it. */
export interface FleetInMemory {
  /** @throws when it is not tied in */
  check(): void;
  /** The other instances that have the id. */
  others(id: string): readonly HubInstance[];
}

const NOBODY: FleetInMemory = { check: () => undefined, others: () => [] };

/** A box in this process, of one hub or of all instances on one memory backplane. */
export function boxInMemory(store: MemoryBox, close: () => void, fleet?: FleetInMemory): Box {
  const { check, others } = fleet ?? NOBODY;
  const post = (id: string, packet: Packet, isHere: boolean): NumberedPost | LostPost => {
    try {
      check();
    } catch {
      return { at: undefined, mayArrive: false };
    }
    const asked = others(id);
    const isSent = isHere || asked.length > 0;
    const { at, isKept } = store.put(id, packet.message, isSent);
    if (asked.length === 0) return { at, isKept, isSent, elsewhere: undefined };
    const answers = asked.map(async (instance) => ({
      node: instance.node,
      delivery: await instance.deliver(id, { ...packet, at }),
    }));
    return { at, isKept, isSent, elsewhere: Promise.all(answers).then((all) => forwarded(all, 0)) };
  };
  return {
    outlivesHub: fleet !== undefined,
    post,
    find: async (id, from) => {
      check();
      return store.find(id, from);
    },
    miss: (id, at) => store.miss(id, at),
    renew: async (id) => {
      check();
      return store.renew(id);
    },
    close,
  };
}
