import type { NatsSubscription } from './nats-client.js';

/** One connection of an id. */
export interface HeldConnection {
  /** When it was added, on this instance's clock. */
  readonly since: number;
  readonly meta: unknown;
}

/** What this instance has of one id. */
export class Holding {
  /** By their keys. */
  readonly connections = new Map<string, HeldConnection>();
  /** The key of the one that may be back soon. */
  lingering: string | undefined = undefined;
  /** Other instances that have the id as well, where several may. */
  readonly peers = new Set<string>();
  /** The claim of another that was decided last: `<node>/<key>`. No second look may come to something else. */
  decided: string | undefined = undefined;
  /**
   * While others are asked for it: what they say of theirs. Those asked may decide as well, and two decisions might differ;
   * so this is heeded only when they have given way.
   */
  rivals: (() => void)[] | undefined = undefined;
  /** While connections are here. */
  here: NatsSubscription | undefined = undefined;
  /** While one is expected back. */
  awaiting: NatsSubscription | undefined = undefined;

  constructor(readonly id: string) {}

  get isEmpty(): boolean {
    return this.connections.size === 0 && this.lingering === undefined;
  }

  /** Of its newest connection. */
  get since(): number {
    return Math.max(...Array.from(this.connections.values(), ({ since }) => since));
  }

  /** Listens no further for what it has no more. */
  tidy(): void {
    if (this.connections.size === 0) {
      silence(this.here);
      this.here = undefined;
    }
    if (this.lingering === undefined) {
      silence(this.awaiting);
      this.awaiting = undefined;
    }
  }
}

/** What is on its way is answered still. */
function silence(subscription: NatsSubscription | undefined): void {
  subscription?.drain().catch(() => undefined);
}
