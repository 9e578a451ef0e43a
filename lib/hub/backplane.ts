import type { Box, BoxLoss, BoxRules, ExactPosition } from './box.js';
import type { Delivery } from './delivery.js';
import type { DuplicatePolicy } from './hub-options.js';
import type { Message } from './message.js';

/** What ties the instances of a fleet together: who is where, and messages from one to another. */
export interface Backplane {
  readonly kind: 'memory' | 'redis' | 'nats';
  /**
   * For hubs: ties one in. Nothing is opened before the link's `start()`.
   *
   * @throws InvalidOptionsError when there is a hub of this name and node already
   */
  link(instance: HubInstance): BackplaneLink;
  /**
   * For hubs with a box: what is kept, numbered by the backplane. Left out: it keeps nothing, and a hub with a box is refused.
   *
   * @param link - one of its own
   * @param onLost - told of messages that reached nobody and are not kept any more
   */
  boxOf?(link: BackplaneLink, rules: BoxRules, onLost: (loss: BoxLoss) => void): Box;
}

/** One connection of one instance, as the fleet knows it. */
export interface Claim {
  readonly id: string;
  /** Tells the connections of an instance apart. */
  readonly key: string;
  readonly meta: unknown;
  /** Milliseconds since it was added. Of two claims the one of the younger connection is the newer. */
  readonly age: number;
}

/** What became of a claim. */
export interface ClaimOutcome {
  /** False: with `'reject'` the id is connected elsewhere, else a newer connection is. */
  readonly granted: boolean;
  /** Somebody in the fleet had the id before. */
  readonly wasOnline: boolean;
}

/** A message for an id that is connected elsewhere. */
export interface Packet {
  readonly message: Message;
  readonly ack: boolean;
  readonly key: string | undefined;
  /** Its number, in a hub with a box. */
  readonly at?: ExactPosition;
}

/** A message for everybody. */
export interface CastPacket {
  readonly message: Message;
  readonly group: string | undefined;
  readonly except: readonly string[];
}

/** A hub on one instance, as its backplane sees it. None of it throws or rejects. */
export interface HubInstance {
  readonly hub: string;
  readonly node: string;
  readonly policy: DuplicatePolicy;
  /** How long an instance may take to say whether its client has acknowledged: to write, and to wait. Milliseconds. */
  readonly ackTimeout: number;
  /** All that must be known of it, after the backplane was away. */
  claims(): Claim[];
  /** Of the connections that are here now: telling everything takes a while. */
  keysOf(id: string): string[];
  /** Ids that are not here and may be back soon, and the keys of their claims. */
  lingering(): ReadonlyMap<string, string>;
  /** Another instance has a message for an id. In order: it is queued when this returns. */
  deliver(id: string, packet: Packet): Promise<Delivery>;
  /** Another instance has a message for everybody. */
  cast(packet: CastPacket): void;
  /** A newer connection of the id is elsewhere; or what lingers is known to be offline. */
  evict(id: string, key: string): void;
  /** @returns how many were thrown out */
  kick(id: string, code: number, reason: string): number;
  /** An instance has crashed, and with it the last connections of these ids. */
  onGone(ids: readonly string[]): void;
  /** It is here, and nowhere else; others had given up this instance, and called it offline. */
  onBack(id: string): void;
  onState(state: 'up' | 'down', cause?: unknown): void;
}

/** How a backplane is. */
export interface BackplaneHealth {
  kind: Backplane['kind'];
  state: 'up' | 'down';
  /** How long a message to oneself took. Milliseconds. */
  lagMs?: number;
  /** Why it is down. */
  error?: string;
}

/** One hub's tie to the others. Whatever it is asked, it answers or rejects within its own timeout. */
export interface BackplaneLink {
  /** Resolves also when the backplane is down, and goes on trying; rejects when it refuses us, as for a wrong password. */
  start(): Promise<void>;
  health(): BackplaneHealth;
  claim(claim: Claim): Promise<ClaimOutcome>;
  /**
   * Gives up a claim.
   *
   * @param lingering - the id may be back soon: it is not called offline, but nothing is sent here for it
   * @returns whether the id has nobody left
   */
  release(id: string, key: string, lingering: boolean): Promise<{ isOffline: boolean }>;
  /** Sends to the other instances that have the id. */
  forward(id: string, packet: Packet): Promise<Delivery>;
  /** Sends to every other instance. Resolves when the backplane has taken it. */
  publish(packet: CastPacket): Promise<void>;
  /** Throws the id out on every other instance. @returns how many */
  kick(id: string, code: number, reason: string): Promise<number>;
  /** The id's connections on other instances. */
  presence(id: string): Promise<{ node: string; meta?: unknown }[]>;
  /** Gives up all claims; the others go on. */
  stop(): Promise<void>;
}

/**
 * What became of a message that several instances were asked to deliver.
 *
 * @param answers - of those that answered
 * @param unanswered - of those asked, how many did not answer in time
 */
export function forwarded(
  answers: readonly { node: string; delivery: Delivery }[],
  unanswered: number,
): Delivery {
  const sent = answers.filter(({ delivery }) => delivery.status === 'sent');
  const [first] = sent;
  if (first !== undefined) {
    const connections = sent.reduce((sum, { delivery }) => sum + delivery.connections, 0);
    const acked = sent.map(({ delivery }) => delivery.acked).find((word) => word === true);
    const isAsked = first.delivery.acked !== undefined;
    return {
      status: 'forwarded',
      connections,
      node: first.node,
      ...(isAsked ? { acked: acked === true } : {}),
    };
  }
  // Whoever did not answer may have written it, whatever the others say.
  if (unanswered > 0) return { status: 'refused', connections: 0, reason: 'unconfirmed' };
  const refused = answers.find(({ delivery }) => delivery.status === 'refused');
  if (refused !== undefined) return { ...refused.delivery, connections: 0 };
  return { status: 'offline', connections: 0 };
}
