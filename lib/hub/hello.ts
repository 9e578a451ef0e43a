import type { Position } from './box.js';
import type { Message } from './message.js';
import type { Outgoing } from './outlet.js';

/** What a client is told of its numbering: `{"hub":{…}}`. */
export interface Hello {
  /** Left out, with `offset`: messages come without a number for the time being. */
  readonly epoch?: string;
  /** Of the newest message, or of the one before those that follow. */
  readonly offset?: number;
  /** Whether all that was missed follows; left out when nobody asked. */
  readonly recovered?: boolean;
  /** How many messages that is. */
  readonly missed?: number;
}

/** A message of the hub's own. */
export class Greeting implements Outgoing {
  readonly message: Message;
  readonly key = undefined;

  constructor(hello: Hello) {
    const payload = JSON.stringify({ hub: hello });
    this.message = { payload, bytes: Buffer.byteLength(payload), binary: false, isJson: true, shared: false };
  }

  taken(): void {}

  refused(): void {}
}

/** Where a client says that it stands: `?epoch=…&offset=9`. What is no position is one that nothing can be resumed from. */
export function positionIn(url: string = '/'): Position | undefined {
  const query = new URLSearchParams(url.split('?', 2)[1]?.split('#', 1)[0]);
  const [epoch, offset] = [query.get('epoch') ?? undefined, query.get('offset')];
  if (epoch === undefined && offset === null) return undefined;
  return { epoch, offset: offset !== null && /^\d{1,15}$/.test(offset) ? Number(offset) : NaN };
}
