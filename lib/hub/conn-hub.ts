import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Observable } from 'rxjs';
import type { Duration } from '../core/index.js';
import {
  type AddOptions,
  type BroadcastOptions,
  CallOptions,
  type KickOptions,
  type PushOptions,
} from './call-options.js';
import type { Backplane } from './backplane.js';
import { BoxDesk } from './box-desk.js';
import type { Position } from './box.js';
import { CloseCode, NO_CODE } from './close-code.js';
import type { BroadcastResult, Delivery } from './delivery.js';
import { Directory } from './directory.js';
import { EqualDelays } from './equal-delays.js';
import { FleetTie } from './fleet-tie.js';
import { FlushTurn } from './flush-turn.js';
import { sendEverybodyAway } from './going.js';
import { ConnectionClosedError, DuplicateIdError, HubClosedError } from './hub-errors.js';
import type { HubEvent } from './hub-events.js';
import { callLimit, type ConnHubOptions, type ResolvedHubOptions, resolveHubOptions } from './hub-options.js';
import type { HubOrigin, Presence } from './hub-origin.js';
import { healthOf, statsOf } from './hub-report.js';
import { type HubHealth, type HubState, type HubStats, type HubTotals, noTotals } from './hub-stats.js';
import { HubTale } from './hub-tale.js';
import { Member, type MemberOwner } from './member.js';
import type { LeaveReason, Membership } from './membership.js';
import { LocalDelivery } from './local-delivery.js';
import { encode, type Payload } from './message.js';
import type { Refusal } from './outlet.js';
import { connectionsOf, type HubConnections, type HubStream } from './predecessor.js';
import type { PushTarget } from './push-target.js';
import { PushRoutes } from './push-routes.js';
import { Reception } from './reception.js';
import { Upkeep } from './upkeep.js';
import { Wire } from './wire.js';

/** How long a connection may take to close before it is terminated. Milliseconds. */
const CLOSING = 2000;
/** Those who leave for these reasons are sent what was pushed to them before. */
const FLUSHED: readonly LeaveReason[] = ['deleted', 'kicked', 'replaced', 'duplicate', 'shutdown'];

/**
 * Live connections by id, and push to them. Every connection has a queue of its own: one that is slow or dead delays nobody.
 *
 * @example
 * const hub = new ConnHub({ name: 'chat' });
 * server.on('connection', (socket, request) => hub.attach(socket, request));
 * const { status } = await hub.push('ann', { text: 'hello' });
 */
export class ConnHub<M = unknown> implements AsyncDisposable {
  readonly events$: Observable<HubEvent>;
  /** The predecessor's words for `add`, `delete`, `get` and `size`. */
  readonly connections: HubConnections<M>;
  /** The predecessor's word for `push`. */
  readonly stream: HubStream;
  private readonly options: ResolvedHubOptions<M>;
  private readonly calls: CallOptions;
  private readonly tale: HubTale;
  private readonly directory = new Directory<M>();
  private readonly totals: HubTotals = noTotals();
  private readonly local = new LocalDelivery<M>(this.directory, this.totals.pushed);
  private readonly wire: Wire;
  private readonly turn: FlushTurn;
  private readonly owner: MemberOwner<M>;
  private readonly upkeep: Upkeep<M>;
  private readonly reception: Reception<M>;
  /** Have left; their sockets have not closed yet. */
  private readonly departing = new EqualDelays<Member<M>>(CLOSING, (member) => member.terminate());
  private readonly fleet: FleetTie<M>;
  /** Where there is a box. */
  private readonly desk: BoxDesk<M> | undefined;
  private readonly routes: PushRoutes<M>;
  private lastKey = 0;
  private phase: HubState = 'open';
  private starting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /** @throws InvalidOptionsError with every bad field */
  constructor(options: ConnHubOptions<M> & HubOrigin = {}) {
    this.options = resolveHubOptions(options, () => randomUUID());
    const { name, delimiter, backplane } = this.options;
    this.calls = new CallOptions(name);
    this.tale = new HubTale(name);
    this.events$ = this.tale;
    this.wire = new Wire(delimiter);
    this.turn = new FlushTurn(this.wire);
    this.owner = this.ownerOfMembers();
    this.upkeep = new Upkeep<M>(this.options, {
      members: () => this.directory.members(),
      onDead: (member) => {
        this.depart(member, 'dead', NO_CODE);
        member.terminate();
      },
      onStuck: (member) => this.expel(member, 'slow', CloseCode.Slow),
    });
    this.reception = new Reception<M>({
      options: this.options,
      add: (id, conn, said) => this.add(id, conn, said),
      onRejected: (reason, cause) => this.tale.tell({ type: 'rejected', reason, cause }),
    });
    this.connections = connectionsOf<M>(this);
    this.stream = { add: (id, data, said) => this.push(id, data, said) };
    this.fleet = this.tieTo(backplane);
    this.desk = this.openBox();
    this.routes = this.openRoutes();
  }

  get name(): string {
    return this.options.name;
  }

  /** What this instance is called; by default another at every start. */
  get node(): string {
    return this.options.node;
  }

  get state(): HubState {
    return this.phase;
  }

  /** Ids connected to this instance. */
  get size(): number {
    return this.directory.ids;
  }

  /**
   * Joins the other instances; `add()` and pushes to what is connected here work before it. A backplane that is down is
   * joined when it comes up; `health()` says so meanwhile. Rejects with `BackplaneError` when it refuses us, as for a wrong
   * password. Called again: the same promise.
   */
  start(): Promise<void> {
    const join = (): Promise<void> => this.fleet.start().then(() => void this.desk?.onUp());
    this.starting ??= this.phase === 'open' ? join() : Promise.resolve();
    return this.starting;
  }

  /**
   * Adds a connection; it leaves by itself when it closes or fails. The same connection again: the same membership.
   *
   * @throws InvalidIdError, ConnectionClosedError, DuplicateIdError (the connection has been closed with 4502),
   *   HubClosedError; InvalidOptionsError for what is no connection, or one that is here under another id
   */
  add(id: string, conn: PushTarget, options: AddOptions<M> = {}): Membership<M> {
    if (this.phase !== 'open') throw new HubClosedError(this.name);
    this.calls.checkId('id', id);
    const { meta, groups = [], resume } = this.calls.add(options);
    if (resume !== undefined && this.desk === undefined)
      this.calls.refuse('resume', resume, 'a hub with a "box"');
    for (const group of groups) this.calls.checkId('group', group);
    this.calls.checkTarget(conn);
    const present = this.directory.ofConn(conn);
    if (present !== undefined) return this.addAgain(present, id, groups);
    const member = new Member<M>(id, conn, meta, this.nextKey(), this.owner);
    if (!member.outlet.isOpen) throw new ConnectionClosedError(this.name);
    const older = this.directory.at(id) ?? [];
    const staying = older.filter(({ outlet }) => outlet.isOpen).length;
    if (staying >= this.mostPerId()) this.turnAway(member, staying);
    this.admit(member, older, groups, resume);
    return member;
  }

  /**
   * The one line of a gateway's `handleConnection(client, request)`: asks `verifyOrigin` and `identify`, and adds the
   * connection. One that is refused is closed with 1008. Where neither answers with a promise, the connection is in the hub
   * when this returns; else what the client sends before the answer reaches no reader.
   *
   * @returns the membership; `undefined` when it was refused
   */
  attach(conn: PushTarget, request: IncomingMessage): Promise<Membership<M> | undefined> {
    try {
      this.calls.checkTarget(conn);
      return this.reception.attach(conn, request);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Closes the id's connections of this instance (1000).
   *
   * @param membership - only this one: whoever has come again under the id stays
   * @returns whether there was one
   */
  delete(id: string, membership?: Membership<M>): boolean {
    const members = this.directory.at(id) ?? [];
    const going = membership === undefined ? members : members.filter((member) => member === membership);
    // Without a word, as the predecessor does.
    for (const member of going) this.expel(member, 'deleted', CloseCode.Deleted, '');
    return going.length > 0;
  }

  /**
   * Closes every connection of the id, on every instance, and tells the clients not to come back.
   *
   * @returns how many; rejects with InvalidIdError, InvalidOptionsError
   */
  async kick(id: string, options: KickOptions = {}): Promise<number> {
    this.calls.checkId('id', id);
    const { code, reason } = this.calls.kick(options);
    const here = this.kickHere(id, code, reason);
    return here + (await this.fleet.kick(id, code, reason));
  }

  /** The id's connections of this instance. */
  get(id: string): Membership<M>[] {
    return [...(this.directory.at(id) ?? [])];
  }

  /** Whether the id is connected to this instance. */
  has(id: string): boolean {
    return this.directory.at(id) !== undefined;
  }

  /** The ids connected to this instance. */
  ids(): IterableIterator<string> {
    return this.directory.everyId();
  }

  /**
   * Pushes to every connection of the id. Resolves when the message has left the hub, by whichever way: see `Delivery`.
   *
   * Rejects only for what the caller did wrong: `InvalidIdError`, `InvalidPayloadError`, `PayloadTooLargeError`,
   * `InvalidOptionsError`, and with the reason of its `signal`.
   *
   * @example
   * const { status, acked } = await hub.push('ann', { text: 'hello' }, { ack: true });
   */
  push(id: string, data: Payload, options?: PushOptions): Promise<Delivery> {
    try {
      this.calls.checkId('id', id);
      return this.routes.push(id, data, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Pushes to everybody, or to a group; encoded and framed once. Resolves when every connection of this instance has taken
   * it or will not; rejects as `push` does.
   */
  async broadcast(data: Payload, options: BroadcastOptions = {}): Promise<BroadcastResult> {
    const { group, except = [], binary = false, local = false } = this.calls.broadcast(options);
    if (group !== undefined) this.calls.checkId('group', group);
    const message = encode(this.options, data, binary, true);
    this.totals.broadcasts += 1;
    if (this.phase !== 'open') return { connections: 0, refused: 0, forwarded: false };
    const packet = { message, group, except };
    // Those here never wait for the backplane.
    const here = this.local.cast(packet);
    const forwarded = !local && (await this.fleet.publish(packet));
    return { ...(await here), forwarded };
  }

  /**
   * Puts the id's connections of this instance into a group, until they leave it or the hub.
   *
   * @returns false: it has none here
   * @throws InvalidIdError
   */
  join(id: string, group: string): boolean {
    this.calls.checkId('group', group);
    const members = this.directory.at(id) ?? [];
    for (const member of members) this.directory.join(member, group);
    return members.length > 0;
  }

  /** Takes the id's connections of this instance out of a group. @returns false: it has none here */
  leave(id: string, group: string): boolean {
    const members = this.directory.at(id) ?? [];
    for (const member of members) this.directory.leave(member, group);
    return members.length > 0;
  }

  /** Where the id is connected, in the whole fleet. Rejects with InvalidIdError only. */
  async presence(id: string): Promise<Presence> {
    this.calls.checkId('id', id);
    const here = this.get(id).map(({ node, meta }) => ({ node, meta }));
    const elsewhere = await this.fleet.presence(id);
    const connections = [...here, ...(elsewhere ?? [])];
    return { id, online: connections.length > 0, connections, complete: elsewhere !== undefined };
  }

  /** How the hub is: `degraded` while its backplane is down, `down` when it is closed. Never rejects. */
  async health(): Promise<HubHealth> {
    return healthOf(this.stats(), this.fleet.health());
  }

  stats(): HubStats {
    const { name, node, phase: state, directory, totals } = this;
    return statsOf({ name, node, state, directory, totals });
  }

  /**
   * Takes no connection and no push any more, flushes the queues, closes the connections (1001) in batches, and terminates
   * those that have not closed in time. Called again: the same promise.
   *
   * @param options.drain - how long it may take. Default: the hub's own
   */
  close({ drain }: { drain?: Duration } = {}): Promise<void> {
    if (this.closing !== undefined) return this.closing;
    try {
      const limit = drain === undefined ? this.options.drain : callLimit(this.name, 'drain', drain);
      this.phase = 'draining';
      this.closing = this.goAway(limit);
      return this.closing;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** How many an id may have before the newest is turned away. */
  private mostPerId(): number {
    const { onDuplicate, maxPerId } = this.options;
    if (onDuplicate === 'replace') return Infinity;
    return onDuplicate === 'reject' ? 1 : maxPerId;
  }

  private addAgain(present: Member<M>, id: string, groups: readonly string[]): Membership<M> {
    if (present.id !== id) {
      const allowed = 'a connection that is not in this hub under another id: delete that one first';
      this.calls.refuse('conn', present.conn, allowed);
    }
    for (const group of groups) this.directory.join(present, group);
    return present;
  }

  private admit(
    member: Member<M>,
    older: readonly Member<M>[],
    groups: readonly string[],
    resume: Position | undefined,
  ): void {
    const { directory, tale, options } = this;
    directory.add(member);
    for (const group of groups) directory.join(member, group);
    this.totals.joined += 1;
    member.watch();
    this.upkeep.start();
    tale.step(() => {
      const isFirst = older.length === 0;
      if (isFirst) tale.tell({ type: 'joined', id: member.id, connections: 1 });
      // Before the older ones leave: the id was never gone.
      this.fleet.onArrival(member, isFirst);
      this.desk?.arrive(member, resume);
      for (const each of older) {
        if (options.onDuplicate === 'replace') this.expel(each, 'replaced', CloseCode.Replaced);
        else if (!each.outlet.isOpen) each.onClosing();
      }
      if (isFirst) return;
      tale.tell({ type: 'joined', id: member.id, connections: directory.at(member.id)?.length ?? 0 });
    });
  }

  private turnAway(member: Member<M>, most: number): never {
    member.active = false;
    member.watch();
    this.departing.add(member);
    member.close(CloseCode.Duplicate, 'duplicate');
    throw new DuplicateIdError(this.name, most);
  }

  /** The connection is out of everything, and what waited for it is refused, before anybody hears of it. */
  private depart(member: Member<M>, reason: LeaveReason, code: number): boolean {
    if (!member.active) return false;
    member.active = false;
    const { directory, tale } = this;
    const connections = directory.remove(member);
    this.totals.left[reason] += 1;
    this.departing.add(member);
    if (directory.connections === 0) this.upkeep.stop();
    const refusal = reason === 'slow' ? 'slow' : 'closed';
    tale.step(() => {
      // What was pushed in this turn goes out before the good-bye.
      if (FLUSHED.includes(reason)) this.flush(member);
      const { messages, bytes } = member.end(refusal);
      tale.tell({ type: 'left', id: member.id, reason, code, connections });
      this.onDropped(member, refusal, messages, bytes);
      this.fleet.onDeparture(member, connections === 0);
    });
    return true;
  }

  private flush(member: Member<M>): void {
    this.local.catchUp([member]);
    member.outbox.flush();
  }

  private expel(member: Member<M>, reason: LeaveReason, code: number, text: string = reason): void {
    this.tale.step(() => {
      if (this.depart(member, reason, code)) member.close(code, text);
    });
  }

  private onDropped(member: Member<M>, reason: Refusal, messages: number, bytes: number): void {
    if (messages === 0) return;
    this.totals.dropped += messages;
    this.tale.tell({ type: 'dropped', id: member.id, reason, messages, bytes });
  }

  private ownerOfMembers(): MemberOwner<M> {
    return {
      options: this.options,
      wire: this.wire,
      unacked: new EqualDelays(this.options.ackTimeout, (parcel) => parcel.giveUp()),
      onWork: (outbox) => this.turn.add(outbox),
      onBusy: (outbox) => this.turn.addLater(outbox),
      onAcked: (messages) => (this.totals.acked += messages),
      onDropped: (member, reason, messages, bytes) => this.onDropped(member, reason, messages, bytes),
      expel: (member, reason, code) => this.expel(member, reason, code),
      onGone: (member, reason, code) => this.depart(member, reason, code),
      onClosed: (member) => this.departing.delete(member),
    };
  }

  private kickHere(id: string, code: number, reason: string): number {
    const members = this.directory.at(id) ?? [];
    for (const member of members) this.expel(member, 'kicked', code, reason);
    return members.length;
  }

  private nextKey(): string {
    this.lastKey += 1;
    return String(this.lastKey);
  }

  private tieTo(backplane: Backplane | undefined): FleetTie<M> {
    const { directory, local, tale } = this;
    const isOpen = (): boolean => this.phase === 'open';
    return new FleetTie<M>(
      {
        options: this.options,
        get isOpen() {
          return isOpen();
        },
        members: () => directory.members(),
        at: (id) => directory.at(id) ?? [],
        deliver: (id, packet) => this.routes.deliver(id, packet),
        cast: (packet) => void local.cast(packet),
        kick: (id, code, reason) => this.kickHere(id, code, reason),
        onSuperseded: (member, by) =>
          this.expel(member, by, by === 'replaced' ? CloseCode.Replaced : CloseCode.Duplicate),
        onOnline: (id) => tale.tell({ type: 'online', id }),
        onOffline: (id) => tale.tell({ type: 'offline', id }),
        onBackplane: (state, cause) => {
          tale.tell({ type: 'backplane', state, cause });
          if (state === 'up') void this.desk?.onUp();
        },
      },
      backplane,
    );
  }

  private openBox(): BoxDesk<M> | undefined {
    const { fleet, directory, totals, tale } = this;
    const { box } = this.options;
    if (box === undefined) return undefined;
    const owner = { directory, totals, tale, isOpen: () => this.phase === 'open' };
    return new BoxDesk<M>(owner, (onLost) => fleet.openBox(box, onLost));
  }

  private openRoutes(): PushRoutes<M> {
    const { options, calls, directory, totals, local, fleet, desk } = this;
    const isOpen = (): boolean => this.phase === 'open';
    return new PushRoutes<M>({ options, calls, directory, totals, local, fleet, desk, isOpen });
  }

  private async goAway(drain: number): Promise<void> {
    const { directory, departing, tale } = this;
    await sendEverybodyAway<M>(
      {
        members: () => directory.members(),
        flush: (member) => this.flush(member),
        expel: (member, reason, code) => this.expel(member, reason, code),
        departing: () => departing.items(),
      },
      drain,
    );
    await this.fleet.stop();
    this.desk?.stop();
    this.upkeep.stop();
    departing.clear();
    this.phase = 'closed';
    tale.complete();
  }
}
