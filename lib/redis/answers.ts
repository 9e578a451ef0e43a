import type { Answers } from '../hub/asks.js';
import type { Delivery } from '../hub/delivery.js';
import { outcomeOf } from '../hub/outcome.js';

/** What became of a message that other instances were asked to deliver. */
export function deliveryOf(said: Answers): Delivery {
  const delivery = outcomeOf(said, said.unanswered);
  if (delivery.status !== 'offline' || said.unreached === 0) return delivery;
  return { status: 'refused', connections: 0, reason: 'backplane' };
}

/** Redis has answered, and has not done it. */
export function isRefusal(cause: unknown): boolean {
  const { name, constructor } = cause as Error;
  return [name, constructor.name].some((each) =>
    /^(ReplyError|ErrorReply|SimpleError|BlobError)$/.test(each),
  );
}
