import { readFields } from '../core/fields.js';
import { optionProblems, whole } from '../core/options.js';
import * as v from 'valibot';
import { Acknowledgements, mayBeAck, type Parcel, readAck } from './acknowledgements.js';
import { BoxedOutbox } from './boxed-outbox.js';
import { CloseCode, NO_CODE } from './close-code.js';
import { DuplexOutlet } from './duplex-outlet.js';
import type { EqualDelays } from './equal-delays.js';
import { InvalidHubOptionsError } from './hub-errors.js';
import type { ResolvedHubOptions } from './hub-options.js';
import { Inbound, type InboundOwner, type LinesOptions } from './inbound.js';
import type { LeaveReason, Membership } from './membership.js';
import { Outbox, type OutboxOwner } from './outbox.js';
import type { Outlet, Refusal } from './outlet.js';
import { isWebSocket, type PushTarget } from './push-target.js';
import { WebSocketOutlet } from './web-socket-outlet.js';
import type { Wire } from './wire.js';

/** What a member tells its hub. */
export interface MemberOwner<M> {
  readonly options: ResolvedHubOptions<M>;
  readonly wire: Wire;
  /** Written, and not acknowledged. */
  readonly unacked: EqualDelays<Parcel>;
  onWork(outbox: Outbox): void;
  onBusy(outbox: Outbox): void;
  onAcked(messages: number): unknown;
  onDropped(member: Member<M>, reason: Refusal, messages: number, bytes: number): void;
  /** It must leave, and its connection be closed with this code. */
  expel(member: Member<M>, reason: LeaveReason, code: number): void;
  /** Its connection has closed, or will without our doing. */
  onGone(member: Member<M>, reason: LeaveReason, code: number): unknown;
  /** Its connection has closed, whoever closed it. */
  onClosed(member: Member<M>): unknown;
}

/** What WebSockets and streams have in common. */
interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
}

const LINES = { maxLength: v.optional(whole(1, 'Infinity'), 64 * 1024) };

/** One connection in a hub: its queue, its readers, what is heard of it. */
export class Member<M> implements Membership<M>, OutboxOwner, InboundOwner {
  readonly outbox: Outbox;
  readonly outlet: Outlet;
  active = true;
  readonly since = performance.now();
  /** When there was a sign of life. */
  heardAt = this.since;
  /** When it was pinged, since nothing was heard of it; `undefined` when it has been. */
  pingedAt: number | undefined = undefined;
  private ownGroups: Set<string> | undefined = undefined;
  private ownAcks: Acknowledgements | undefined = undefined;
  private ownInbound: Inbound | undefined = undefined;

  constructor(
    readonly id: string,
    readonly conn: PushTarget,
    readonly meta: M | undefined,
    /** Tells the connections of an instance apart. */
    readonly key: string,
    private readonly owner: MemberOwner<M>,
  ) {
    const { wire, options } = owner;
    this.outlet = isWebSocket(conn) ? new WebSocketOutlet(conn, wire) : new DuplexOutlet(conn, wire);
    const Box = options.box === undefined ? Outbox : BoxedOutbox;
    this.outbox = new Box(this.outlet, wire, options, this);
  }

  get node(): string {
    return this.owner.options.node;
  }

  get groups(): ReadonlySet<string> {
    return this.ownGroups ?? new Set();
  }

  /** It has been paused by a reader that is behind: its silence means nothing. */
  get isPaused(): boolean {
    return this.ownInbound?.isPaused === true;
  }

  /** From the first push on that asks for one. */
  needAcknowledgements(): Acknowledgements {
    this.ownAcks ??= new Acknowledgements(this.owner.unacked, (messages) => this.owner.onAcked(messages));
    return this.ownAcks;
  }

  /** Its numbers begin anew, and what is acknowledged of the old ones means nothing. */
  forgetAcknowledgements(): void {
    this.ownAcks?.end();
    this.ownAcks = undefined;
  }

  lines(given: LinesOptions = {}): AsyncIterableIterator<string> {
    const { name, maxMessageBytes } = this.owner.options;
    const { fields, problems } = readFields<LinesOptions>(given, Object.keys(LINES));
    problems.push(...optionProblems(LINES, fields as Record<string, unknown>));
    if (problems.length > 0) throw new InvalidHubOptionsError(name, problems);
    const { maxLength } = v.parse(v.object(LINES), fields);
    return this.inbound().lines(Math.min(maxLength, maxMessageBytes));
  }

  messages(): AsyncIterableIterator<string | Buffer> {
    return this.inbound().messages();
  }

  /** For the hub: it keeps both sides of a group. */
  addGroup(group: string): boolean {
    this.ownGroups ??= new Set();
    if (this.ownGroups.has(group)) return false;
    this.ownGroups.add(group);
    return true;
  }

  removeGroup(group: string): boolean {
    return this.ownGroups?.delete(group) ?? false;
  }

  /**
   * Listens to the connection, for good: one that has left may still fail, and an error must find a listener. What is heard
   * after the end changes nothing, so nothing need be remembered to be taken off again.
   */
  watch(): void {
    const conn = this.conn as Emitter;
    const isStream = !isWebSocket(conn);
    conn.on('close', (code?: number) => this.onClose(isStream || code === undefined ? NO_CODE : code));
    conn.on('error', () => this.owner.onGone(this, 'error', NO_CODE));
    if (isStream) {
      conn.on('finish', () => this.owner.onGone(this, 'closed', NO_CODE));
      return;
    }
    const onSign = (): void => this.hear();
    conn.on('ping', onSign);
    conn.on('pong', onSign);
    conn.on('message', (data: unknown, isBinary?: boolean) => this.receive(data, isBinary));
  }

  /** It has left the hub. @returns what waited for it */
  end(reason: Refusal): { messages: number; bytes: number } {
    const dropped = this.outbox.shut(reason);
    this.ownAcks?.end();
    this.ownInbound?.end();
    return dropped;
  }

  /** Says good-bye. A connection may be in any state, and a stranger's code may throw. */
  close(code: number, reason: string): void {
    try {
      this.outlet.close(code, reason);
    } catch {
      this.terminate();
    }
  }

  terminate(): void {
    try {
      this.outlet.terminate();
    } catch {
      // There is no stronger means.
    }
  }

  /** @returns false when it cannot be pinged */
  ping(): boolean {
    try {
      return this.outlet.ping();
    } catch {
      return true;
    }
  }

  onWork(outbox: Outbox): void {
    this.owner.onWork(outbox);
  }

  onBusy(outbox: Outbox): void {
    this.owner.onBusy(outbox);
  }

  onSlow(): void {
    this.owner.expel(this, 'slow', CloseCode.Slow);
  }

  onClosing(): void {
    this.owner.onGone(this, 'closed', this.outlet.closeCode);
  }

  onBroken(): void {
    this.owner.onGone(this, 'error', NO_CODE);
    this.terminate();
  }

  onDropped(reason: Refusal, messages: number, bytes: number): void {
    this.owner.onDropped(this, reason, messages, bytes);
  }

  onAck(upTo: number): void {
    this.ownAcks?.acknowledge(upTo);
  }

  onTooBig(): void {
    this.owner.expel(this, 'too-big', CloseCode.TooBig);
  }

  private inbound(): Inbound {
    const { conn, owner } = this;
    if (this.ownInbound === undefined) {
      this.ownInbound = new Inbound(conn, !isWebSocket(conn), owner.options.delimiter, this);
      if (!this.active) this.ownInbound.end();
    }
    return this.ownInbound;
  }

  private onClose(code: number): void {
    this.owner.onGone(this, 'closed', code);
    const { messages, bytes } = this.outbox.abandon();
    this.onDropped('closed', messages, bytes);
    this.owner.onClosed(this);
  }

  private hear(): void {
    this.heardAt = performance.now();
    this.pingedAt = undefined;
  }

  /** `ws` gives a text as a Buffer since version 8, and before as a string. */
  private receive(data: unknown, isBinary: boolean | undefined): void {
    this.hear();
    if (!this.active) return;
    const isText = typeof data === 'string' || isBinary === false;
    const bytes = bytesOf(data);
    if (bytes.length > this.owner.options.maxMessageBytes) return this.onTooBig();
    if (isText && mayBeAck(bytes.length)) {
      const ack = readAck(bytes.toString());
      if (ack !== undefined) return this.onAck(ack);
    }
    this.ownInbound?.receive(isText ? bytes.toString() : bytes);
  }
}

/** What comes depends on the `binaryType` of the socket. */
function bytesOf(data: unknown): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (Array.isArray(data)) return Buffer.concat(data as Buffer[]);
  return Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer);
}
