import type { Packet } from './backplane.js';
import type { Delivery } from './delivery.js';
import type { Message } from './message.js';

/** Where a client stands in the numbering of its id. */
export interface Position {
  /** Of which numbering. Left out together with `offset: 0`: whichever there is. */
  readonly epoch?: string;
  /** Of the last message that it has. */
  readonly offset: number;
}

/** A position that is in one numbering. */
export interface ExactPosition extends Position {
  readonly epoch: string;
}

/** How much a box keeps. Milliseconds, bytes. */
export interface BoxRules {
  /** Messages of one id. */
  readonly size: number;
  readonly ttl: number;
  /** Of the payloads of one id. */
  readonly maxBytes: number;
  readonly maxIds: number;
}

/** Messages that reached nobody, and are not kept any more. */
export interface BoxLoss {
  readonly id: string;
  readonly messages: number;
  readonly bytes: number;
}

/** What became of a message that was to be numbered. */
export type Posted = NumberedPost | LostPost;

/** It has a number. */
export interface NumberedPost {
  readonly at: ExactPosition;
  /** False: it is larger than all that may be kept. */
  readonly isKept: boolean;
  /** Somebody has the id; that is not to say that it will arrive. */
  readonly isSent: boolean;
  /** What became of it on the other instances, where any was asked; never rejects. */
  readonly elsewhere: Promise<Delivery> | undefined;
}

/** Whoever numbers did not answer in time. */
export interface LostPost {
  readonly at: undefined;
  /** It may have been numbered and sent nevertheless. */
  readonly mayArrive: boolean;
}

/** What there is for a client that comes. */
export interface Found {
  /** Of the newest message. */
  readonly at: ExactPosition;
  /** All that the client has missed, the newest last; `undefined`: they are not all there, or it has not asked. */
  readonly missed: readonly Message[] | undefined;
}

/**
 * The last messages of every id, numbered. Whatever is asked is answered, or rejected, within the backplane's own timeout,
 * and the answers come in the order of the questions.
 */
export interface Box {
  /** What it keeps is there for other instances when this one has gone. */
  readonly outlivesHub: boolean;
  /**
   * Numbers a message, keeps it, and sends it to the other instances that have the id; they hear it in the order of the
   * numbers. Never rejects.
   *
   * @param isHere - the id is connected to this instance
   */
  post(id: string, packet: Packet, isHere: boolean): Posted | Promise<Posted>;
  /** @param from - where a client stands that wants what it has missed */
  find(id: string, from: Position | undefined): Promise<Found>;
  /** A message that was sent has not arrived: its loss would be one. Of no consequence when it cannot be told. */
  miss(id: string, at: ExactPosition): void;
  /** Begins another numbering: nobody can resume from where he is in the present one. */
  renew(id: string): Promise<ExactPosition>;
  /** Whoever opened it needs it no longer. */
  close(): void;
}
