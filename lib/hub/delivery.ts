import type { Message } from './message.js';
import type { Outgoing, Refusal } from './outlet.js';

/** What became of a push. */
export type DeliveryStatus = 'sent' | 'forwarded' | 'queued' | 'offline' | 'refused';

/**
 * What became of a push.
 *
 * - `sent`: written, in order, to `connections` sockets of this instance, and with `'multi'` of others.
 * - `forwarded`: the instance `node` confirmed the same.
 * - `queued`: it is in the box, for the client to fetch when it comes back.
 * - `offline`: nobody is connected by that id, anywhere.
 * - `refused`: see `reason`.
 */
export interface Delivery {
  status: DeliveryStatus;
  /** It was written to. */
  connections: number;
  /** The instance that wrote it, when it was another. */
  node?: string;
  /** With `ack`: whether a client acknowledged it. */
  acked?: boolean;
  /** What kept it from being written; only `'unconfirmed'` may still arrive, once. */
  reason?: Refusal | 'unconfirmed' | 'backplane';
}

/** What became of a broadcast. */
export interface BroadcastResult {
  /** Of this instance: they took it. */
  connections: number;
  /** Of this instance: they took too little of what came before, or left. */
  refused: number;
  /** The backplane took it for the other instances. */
  forwarded: boolean;
}

/** Told once, when it is known what became of a push. A promise's own `resolve` is that: thousands may be waiting. */
export type Tell = (delivery: Delivery) => void;
/** Deliveries by what became of them. */
export type Tally = Record<DeliveryStatus, number>;

/** One message on its way to the only connection of an id: what most are. Thousands may wait, so it holds no more than it must. */
export class LonePush implements Outgoing {
  constructor(
    readonly message: Message,
    private readonly tally: Tally,
    private readonly tell: Tell,
  ) {}

  get key(): undefined {
    return undefined;
  }

  taken(): void {
    this.tally.sent += 1;
    this.tell({ status: 'sent', connections: 1 });
  }

  refused(reason: Refusal): void {
    this.tally.refused += 1;
    this.tell({ status: 'refused', connections: 0, reason });
  }
}

/** One message on its way to the connections of one id. */
export class Push implements Outgoing {
  private connections = 0;
  private reason: Refusal | undefined = undefined;

  /** @param outstanding - connections it is offered to */
  constructor(
    readonly message: Message,
    readonly key: string | undefined,
    private outstanding: number,
    private readonly tally: Tally,
    private readonly tell: Tell,
  ) {}

  taken(): void {
    this.connections += 1;
    this.settle();
  }

  refused(reason: Refusal): void {
    this.reason = reason;
    this.settle();
  }

  private settle(): void {
    this.outstanding -= 1;
    if (this.outstanding > 0) return;
    const delivery = outcome(this.connections, this.reason);
    this.tally[delivery.status] += 1;
    this.tell(delivery);
  }
}

/** One message on its way to connections that each acknowledge it: told at the first word, or when none can come. */
export class AckPush {
  private connections = 0;
  private reason: Refusal | undefined = undefined;
  private isTold = false;

  constructor(
    private outstanding: number,
    private readonly tally: Tally,
    private readonly tell: Tell,
  ) {}

  written(): void {
    this.connections += 1;
  }

  refused(reason: Refusal): void {
    this.reason = reason;
    this.unacknowledged();
  }

  acknowledged(): void {
    this.end({ ...outcome(this.connections, undefined), acked: true });
  }

  /** One connection's word will not come any more. */
  unacknowledged(): void {
    this.outstanding -= 1;
    if (this.outstanding === 0) this.end({ ...outcome(this.connections, this.reason), acked: false });
  }

  private end(delivery: Delivery): void {
    if (this.isTold) return;
    this.isTold = true;
    this.tally[delivery.status] += 1;
    this.tell(delivery);
  }
}

/** One message on its way to many. */
export class Cast implements Outgoing {
  readonly key = undefined;
  private connections = 0;
  private refusals = 0;

  constructor(
    readonly message: Message,
    private outstanding: number,
    private readonly tell: (connections: number, refused: number) => void,
  ) {}

  taken(): void {
    this.connections += 1;
    this.settle();
  }

  refused(): void {
    this.refusals += 1;
    this.settle();
  }

  private settle(): void {
    this.outstanding -= 1;
    if (this.outstanding === 0) this.tell(this.connections, this.refusals);
  }
}

function outcome(connections: number, reason: Refusal | undefined): Delivery {
  if (connections > 0 || reason === undefined) return { status: 'sent', connections };
  return { status: 'refused', connections: 0, reason };
}
