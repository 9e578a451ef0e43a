import { forwarded } from '../hub/backplane.js';
import type { Delivery } from '../hub/delivery.js';
import type { Answers } from './asks.js';

/** What became of a message that other instances were asked to deliver. */
export function deliveryOf({ answers, unanswered, unreached }: Answers): Delivery {
  const said = answers.flatMap(({ node, answer }) =>
    isDelivery(answer) ? [{ node, delivery: answer }] : [],
  );
  const delivery = forwarded(said, unanswered);
  if (delivery.status !== 'offline' || unreached === 0) return delivery;
  return { status: 'refused', connections: 0, reason: 'backplane' };
}

/** Redis has answered, and has not done it. */
export function isRefusal(cause: unknown): boolean {
  const { name, constructor } = cause as Error;
  return [name, constructor.name].some((each) =>
    /^(ReplyError|ErrorReply|SimpleError|BlobError)$/.test(each),
  );
}

function isDelivery(answer: unknown): answer is Delivery {
  const { status, connections } = (answer ?? {}) as Partial<Delivery>;
  return typeof status === 'string' && typeof connections === 'number';
}
