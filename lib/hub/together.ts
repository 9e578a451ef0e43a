import type { Delivery } from './delivery.js';

/**
 * What became of a message that went to the connections of this instance and to those of others: the sum, or whatever is
 * acknowledged first. Rejects when either does.
 */
export async function together(here: Promise<Delivery>, elsewhere: Promise<Delivery>): Promise<Delivery> {
  const first = await Promise.race([here, elsewhere]);
  return first.acked === true ? first : sum(await here, await elsewhere);
}

function sum(here: Delivery, elsewhere: Delivery): Delivery {
  if (elsewhere.connections === 0 && (here.connections > 0 || elsewhere.status === 'offline')) return here;
  if (here.connections === 0) return elsewhere;
  const connections = here.connections + elsewhere.connections;
  const { acked } = here;
  return {
    ...here,
    connections,
    ...(acked === undefined ? {} : { acked: acked || elsewhere.acked === true }),
  };
}
