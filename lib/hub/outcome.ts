import type { Answers } from './asks.js';
import { forwarded } from './backplane.js';
import type { Delivery } from './delivery.js';

/** What became of a message, as another instance is told: mostly the number of connections it was written to. */
export function codeOutcome(delivery: Delivery): number | Delivery {
  const isPlain = delivery.status === 'sent' && delivery.acked === undefined;
  return isPlain ? delivery.connections : delivery;
}

/**
 * What became of a message that other instances were asked to deliver.
 *
 * @param unanswered - of those asked, how many did not answer in time
 */
export function outcomeOf({ answers }: Answers, unanswered: number): Delivery {
  const [first] = answers;
  if (first !== undefined && answers.length === 1 && typeof first.answer === 'number' && first.answer > 0) {
    return { status: 'forwarded', connections: first.answer, node: first.node };
  }
  return forwarded(
    answers.flatMap(({ node, answer }) => decoded(node, answer)),
    unanswered,
  );
}

function decoded(node: string, answer: unknown): { node: string; delivery: Delivery }[] {
  if (typeof answer === 'number') return [{ node, delivery: { status: 'sent', connections: answer } }];
  const { status, connections } = (answer ?? {}) as Partial<Delivery>;
  const isDelivery = typeof status === 'string' && typeof connections === 'number';
  return isDelivery ? [{ node, delivery: answer as Delivery }] : [];
}
