import type { LinesOptions } from './inbound.js';
import type { PushTarget } from './push-target.js';

/** One connection in a hub, from `add` until it leaves. */
export interface Membership<M = unknown> {
  readonly id: string;
  readonly conn: PushTarget;
  /** The instance it is connected to. */
  readonly node: string;
  readonly meta?: M;
  /** It has not left. */
  readonly active: boolean;
  readonly groups: ReadonlySet<string>;
  /**
   * The lines that the client sends from now on, across frames, without delimiters and acknowledgements; what stands behind
   * the last delimiter is a line when the connection ends. Whoever does not read makes the client wait.
   *
   * @throws InvalidOptionsError
   *
   * @example
   * for await (const line of membership.lines()) handle(JSON.parse(line));
   */
  lines(options?: LinesOptions): AsyncIterableIterator<string>;
  /** The messages that the client sends from now on, acknowledgements left out; of a stream, the chunks. */
  messages(): AsyncIterableIterator<string | Buffer>;
}

/** Why a connection left. */
export type LeaveReason =
  | 'closed'
  | 'error'
  | 'deleted'
  | 'kicked'
  | 'replaced'
  | 'duplicate'
  | 'slow'
  | 'dead'
  | 'too-big'
  | 'shutdown';
