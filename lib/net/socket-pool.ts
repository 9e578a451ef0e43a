import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Observable } from 'rxjs';
import {
  AcquireTimeoutError,
  type AcquireOptions,
  type CloseOptions,
  type CloseReport,
  type ConnInfo,
  type Duration,
  type HeartbeatOptions,
  type HeartbeatReport,
  InvalidOptionsError,
  KeyedConnPool,
  type Lease,
  type ManagedPool,
  PoolClosedError,
  type PoolEvent,
  type PoolState,
  type PoolStats,
  type StatsOptions,
} from '../core/index.js';
import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import { within } from './within.js';
import { type Address, type HostPort, type Network, parseAddress } from './address.js';
import type { DatagramSocket } from './datagram-socket.js';
import { adoptionRequirement, isConnecting, networkOf } from './adoption.js';
import { ConnClosedError, ConnNotAvailableError, InvalidAddressError, PoolFullError } from './net-errors.js';
import { type Lender, type Loan, PooledSocket } from './pooled-socket.js';
import { SocketLease } from './socket-lease.js';
import type { SocketWatch } from './socket-watch.js';
import { remoteOf, SocketConnector } from './socket-connector.js';
import {
  dialProblems,
  replayLimit,
  type ResolvedSocketOptions,
  resolveSocketOptions,
  type SocketPoolOptions,
} from './socket-options.js';
import { Target, TlsIdentity } from './target.js';

/** How one dial differs from the others. */
export interface SocketAcquireOptions {
  /** Ends the wait; the dial rejects with the signal's own reason. */
  signal?: AbortSignal;
  /** One deadline for the whole dial. 0 or `Infinity` = none. Default: the pool's `acquireTimeout`. */
  timeout?: Duration;
  /** A new connection even when idle ones exist (vconnpool's priority dial). Default false. */
  fresh?: boolean;
  /** For the network `tls`: added to the pool's own. Connections with other options are not interchangeable. */
  tls?: ConnectionOptions;
}

export interface SocketDialOptions extends SocketAcquireOptions {
  /** Default: the pool's. */
  replay?: boolean | number;
}

/** What a borrower is given. */
type HandOver<R> = (lease: Lease<Duplex>, watch: SocketWatch, target: Target, said: SocketDialOptions) => R;

const asLoan: HandOver<Loan> = (lease, watch) => ({ lease, watch });

/** Addresses remembered as they were taken apart. */
const MOST_TARGETS = 10_000;
/** In errors, where an address should be. */
const UNKNOWN = 'an unknown address';
const NOTHING_SAID: SocketDialOptions = Object.freeze({});

const ACQUIRE_OPTIONS = ['signal', 'timeout', 'fresh', 'tls'];
const DIAL_OPTIONS = [...ACQUIRE_OPTIONS, 'replay'];

/**
 * A dialer with memory: connections to any number of addresses, each kept for reuse by the next who dials the same.
 * The successor of the Go package vconnpool.
 *
 * @example
 * const pool = new SocketPool({ name: 'devices', maxIdle: 4, max: 200 });
 * const socket = await pool.dial('tcp', '10.0.0.7:502');
 * socket.write(request);
 * const [answer] = await once(socket, 'data');
 * await socket.close(); // back to the pool
 */
export class SocketPool implements ManagedPool, AsyncDisposable {
  readonly name: string;
  readonly events$: Observable<PoolEvent>;
  private readonly options: ResolvedSocketOptions;
  private readonly connector: SocketConnector;
  private readonly pool: KeyedConnPool<Target, Duplex>;
  private readonly identity = new TlsIdentity();
  private readonly targets = new Map<string, Target>();
  private readonly lender: Lender;
  private readonly asSocket: HandOver<PooledSocket>;
  private readonly asLease: HandOver<SocketLease<Socket>>;

  /** @throws InvalidOptionsError with every bad option; nothing is dialled */
  constructor(options: SocketPoolOptions = {}) {
    this.options = resolveSocketOptions(options);
    const { max, maxIdle, engine, problems } = this.options;
    this.connector = new SocketConnector(this.options);
    this.pool = new KeyedConnPool(
      this.connector,
      {
        ...engine,
        max: max === 0 ? Infinity : max,
        maxIdle: Infinity,
        maxIdlePerKey: maxIdle,
        keyOf: ({ id }) => id,
      },
      problems,
    );
    this.name = this.pool.name;
    this.lender = {
      name: this.name,
      setup: this.options,
      redial: (target, { signal, timeout }) => {
        // The signal of a dial that is long over bounds no other.
        const own = signal?.aborted === true ? undefined : signal;
        const said = { signal: own, timeout, fresh: true };
        return this.lendAny(target, said, said, asLoan);
      },
    };
    this.asSocket = (lease, watch, target, said) => {
      const { replay } = said;
      const limit = replay === undefined ? this.options.replay : replayLimit(replay);
      return new PooledSocket(this.lender, target, lease, watch, said, limit);
    };
    this.asLease = (lease, watch) =>
      new SocketLease<Socket>(lease, watch, this.name, this.options.flushTimeout);
    this.events$ = this.pool.events$;
  }

  get state(): PoolState {
    return this.pool.state;
  }

  /** Connections there are, lent, idle and being dialled: vconnpool's ConnNum. */
  get size(): number {
    return this.pool.stats().size;
  }

  /** How many are idle for an address: ConnNumIde. With a `resolveAddress` that gives a promise: under the address itself. */
  idleCount(network: Network, address: string): number {
    try {
      const resolved: unknown = this.options.resolveAddress?.(network, address);
      if (resolved instanceof Promise) resolved.catch(() => undefined);
      const place = resolved === undefined || resolved instanceof Promise ? { network, address } : resolved;
      return this.pool.stats(this.target(place as Address, address, undefined)).idle;
    } catch {
      // As of an address that nobody has dialled.
      return 0;
    }
  }

  /**
   * A connection to an address: an idle one of the same network and address, or a new one.
   *
   * Rejects with UnsupportedNetworkError, InvalidAddressError, DialError (whose `cause` is what the socket said),
   * PoolExhaustedError at `max`, PoolClosedError, AcquireTimeoutError, InvalidOptionsError, or the signal's own reason.
   */
  dial(network: Network, address: string, options?: SocketDialOptions): Promise<PooledSocket> {
    return this.lend(network, address, options, DIAL_OPTIONS, this.asSocket);
  }

  /**
   * The socket itself under a lease: the fast path. At the end of the lease its listeners, timeout and encoding are
   * taken off, and it is kept if it is fit to be used again. Rejects as `dial` does.
   *
   * @example
   * using lease = await pool.acquire('tcp', '10.0.0.7:502');
   * lease.conn.write(request);
   */
  acquire(
    network: 'udp' | 'udp4' | 'udp6',
    address: string,
    options?: SocketAcquireOptions,
  ): Promise<Lease<DatagramSocket>>;
  acquire(network: Network, address: string, options?: SocketAcquireOptions): Promise<Lease<Socket>>;
  acquire(
    network: Network,
    address: string,
    options?: SocketAcquireOptions,
  ): Promise<Lease<Socket> | Lease<DatagramSocket>> {
    return this.lend(network, address, options, ACQUIRE_OPTIONS, this.asLease);
  }

  /**
   * Dials for one piece of work and closes afterwards, whatever happens: after an error the connection is not used again.
   *
   * Rejects with what `work` throws, and as `dial` does.
   *
   * @example
   * const answer = await pool.use('tcp', '10.0.0.7:502', async (socket) => {
   *   socket.write(request);
   *   return (await once(socket, 'data'))[0];
   * });
   */
  async use<R>(
    network: Network,
    address: string,
    work: (socket: PooledSocket) => R | Promise<R>,
    options?: SocketDialOptions,
  ): Promise<R> {
    if (typeof work !== 'function') {
      throw new InvalidOptionsError(this.name, [{ path: 'work', given: work, allowed: 'a function' }]);
    }
    const socket = await this.dial(network, address, options);
    try {
      const result = await work(socket);
      await socket[Symbol.asyncDispose]();
      return result;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /**
   * A connection for somebody who is its watch's reader, as a `PooledSocket` is: he calls `lendTo()`, and in the end
   * `takeBack()`. Rejects as `dial` does.
   *
   * @internal For `lib/tcp`
   */
  loan(network: Network, address: string, options?: SocketAcquireOptions): Promise<Loan> {
    return this.lend(network, address, options, ACQUIRE_OPTIONS, asLoan);
  }

  /** Adopts a socket under the address it is connected to: see `put`. */
  add(socket: Duplex): void {
    const network = networkOf(socket);
    const address = remoteOf(socket as Socket);
    if (address !== undefined || socket instanceof PooledSocket)
      return this.takeIn(socket, { network, address: address ?? UNKNOWN }, 'add()');
    // One that is dead does not tell where it went.
    if (socket.destroyed) throw new ConnClosedError(this.name, network, UNKNOWN, 'add()');
    const allowed = 'a socket that is connected to a host and a port; for any other put(socket, address)';
    throw new InvalidAddressError(this.name, network, undefined, allowed, 'take in');
  }

  /**
   * Adopts a socket made elsewhere as an idle connection of this address (for one that was accepted, its local
   * address). A socket that is refused stays open and the caller's. Of a `PooledSocket` of this pool it is `close()`.
   *
   * @throws PoolClosedError, PoolExhaustedError at `max`, PoolFullError when `maxIdle` are idle there, ConnClosedError
   *   for a dead one or one that is in the pool already, InvalidOptionsError for one that may not be lent: it holds
   *   unread data, somebody listens to its data, it is corked or has an encoding, it is not what the network calls for,
   *   or under `tls` it was not verified as the pool's `tls` asks for
   */
  put(socket: Duplex, address: Address): void {
    this.takeIn(socket, address, 'put()');
  }

  private takeIn(socket: Duplex, { network, address }: Address, what: string): void {
    if (socket instanceof PooledSocket) {
      if (!socket.isOf(this.lender))
        throw this.refusal(socket, "one of this pool's, or what its raw() gives");
      if (socket.isOver) throw new ConnClosedError(this.name, network, address, what);
      return void socket.close();
    }
    const target = this.target({ network, address }, address, undefined);
    if (this.pool.state !== 'open') throw new PoolClosedError(this.name);
    if (isConnecting(socket)) throw this.refusal(socket, 'one that is connected');
    if (this.connector.has(socket) || socket.destroyed || !socket.readable || !socket.writable) {
      throw new ConnClosedError(this.name, network, address, what);
    }
    const wanted = adoptionRequirement(socket, target, this.options.dialer === undefined);
    if (wanted !== undefined) throw this.refusal(socket, wanted);
    if (this.pool.stats(target).idle >= this.options.maxIdle) {
      throw new PoolFullError(this.name, network, address, this.options.maxIdle);
    }
    this.pool.adopt(target, socket);
  }

  private refusal(socket: Duplex, allowed: string): InvalidOptionsError {
    return new InvalidOptionsError(this.name, [{ path: 'socket', given: socket, allowed }]);
  }

  /**
   * Takes an idle connection out for good; never dials. It is the caller's from then on, without a trace of the pool.
   *
   * @throws ConnNotAvailableError, PoolClosedError
   */
  get({ network, address }: Address): Socket {
    const target = this.target({ network, address }, address, undefined);
    if (this.pool.state !== 'open') throw new PoolClosedError(this.name);
    const lease = this.pool.tryAcquire(target);
    if (lease === undefined) throw new ConnNotAvailableError(this.name, network, address);
    return lease.detach() as Socket;
  }

  /** Begins the upkeep: idle connections are checked in the background if there is a `heartbeat`. Dials nothing. */
  start(): Promise<void> {
    return this.pool.start();
  }

  stats(options?: StatsOptions): PoolStats {
    const { max, maxIdle } = this.options;
    const counts = options === undefined ? this.pool.stats() : this.pool.stats(options);
    return Object.freeze({ ...counts, max, maxIdle });
  }

  /** One row for each connection, with its address. */
  inspect(): (ConnInfo & Address)[] {
    return this.pool
      .inspect()
      .map(({ key: { network, address }, ...info }) => ({ network, address, ...info }));
  }

  /** Checks the idle connections now, by their state and by `heartbeat`. Never dials. */
  heartbeat(options?: HeartbeatOptions): Promise<HeartbeatReport> {
    return this.pool.heartbeat(options);
  }

  /** Closes the idle connections of all addresses; the pool stays fully usable. @returns how many, once closed */
  closeIdle(): Promise<number> {
    return this.pool.closeIdle();
  }

  /** Closes the pool: idle connections now, lent ones when they come back or, when `drain` is over, by force. */
  close(options?: CloseOptions): Promise<CloseReport> {
    return this.pool.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A connection, and what becomes of it in its borrower's hands. Of one that is idle at once: a promise, and no more. */
  private lend<R>(
    network: Network,
    address: string,
    options: SocketDialOptions | undefined,
    known: readonly string[],
    handOver: HandOver<R>,
  ): Promise<R> {
    try {
      const said = this.read(options, known);
      if (this.options.resolveAddress !== undefined)
        return this.lendResolved(network, address, said, handOver);
      const target =
        said.tls === undefined
          ? this.usualTarget(network, address)
          : this.target({ network, address }, address, said.tls);
      const given = this.lendIdle(target, said, handOver);
      return given === undefined ? this.lendAny(target, said, said, handOver) : Promise.resolve(given);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private async lendResolved<R>(
    network: Network,
    address: string,
    said: SocketDialOptions,
    handOver: HandOver<R>,
  ): Promise<R> {
    const { target, timeout } = await this.resolve(network, address, said);
    const given = this.lendIdle(target, said, handOver);
    // Resolving takes of the time that the dial has, not of a later redial's.
    return given ?? this.lendAny(target, { ...said, timeout }, said, handOver);
  }

  /** One that is idle, without a wait; what has died in this very turn is passed over. */
  private lendIdle<R>(target: Target, said: SocketDialOptions, handOver: HandOver<R>): R | undefined {
    if (said.fresh === true || said.signal?.aborted === true) return undefined;
    for (
      let lease = this.pool.tryAcquire(target);
      lease !== undefined;
      lease = this.pool.tryAcquire(target)
    ) {
      const watch = this.connector.watchOf(lease.conn);
      const unfit = watch.unfitness();
      if (unfit === undefined) return handOver(lease, watch, target, said);
      lease.discard(new Error(unfit));
    }
    return undefined;
  }

  /** One that is idle, or a new one. */
  private async lendAny<R>(
    target: Target,
    { signal, timeout, fresh }: AcquireOptions,
    said: SocketDialOptions,
    handOver: HandOver<R>,
  ): Promise<R> {
    for (;;) {
      const lease = await this.pool.acquire(target, { signal, timeout, fresh });
      const watch = this.connector.watchOf(lease.conn);
      const unfit = watch.unfitness();
      // What was dialled for this borrower was judged by the dial.
      if (unfit === undefined || !lease.reused) return handOver(lease, watch, target, said);
      lease.discard(new Error(unfit));
    }
  }

  /** @returns where to go, and how much time is left of the dial's */
  private async resolve(
    network: Network,
    address: string,
    { signal, tls, timeout }: SocketDialOptions,
  ): Promise<{ target: Target; timeout: Duration | undefined }> {
    parseAddress(this.name, network, address);
    if (this.pool.state !== 'open') throw new PoolClosedError(this.name);
    signal?.throwIfAborted();
    const { resolveAddress, engine } = this.options;
    const limit = parseDuration(timeout ?? engine.acquireTimeout ?? '30s') ?? 0;
    const asked = performance.now();
    const resolving = Promise.resolve(resolveAddress?.(network, address));
    const place: unknown = await within(resolving, limit, signal, () => {
      const title = { name: this.name, key: `${network} ${address}` };
      return new AcquireTimeoutError(title, limit, 'dial', this.stats());
    });
    if (typeof place !== 'object' || place === null) {
      throw new InvalidAddressError(
        this.name,
        network,
        address,
        'an address that resolveAddress can resolve',
      );
    }
    const target = this.target(place as Address, address, tls);
    if (limit === 0 || limit === Infinity) return { target, timeout };
    // One deadline for the whole dial.
    return { target, timeout: Math.max(1, limit - (performance.now() - asked)) };
  }

  /** Most addresses are dialled over and over. */
  private usualTarget(network: Network, address: string): Target {
    const known = this.targets.get(address);
    if (known !== undefined && known.network === network) return known;
    const target = this.target({ network, address }, address, undefined);
    if (this.targets.size >= MOST_TARGETS) this.targets.clear();
    this.targets.set(address, target);
    return target;
  }

  /** @param named - the address as the caller gave it */
  private target({ network, address }: Address, named: string, tls: ConnectionOptions | undefined): Target {
    parseAddress(this.name, network, address);
    if (network !== 'tls') {
      if (tls !== undefined) {
        throw new InvalidOptionsError(this.name, [
          { path: 'tls', given: tls, allowed: 'only with the network "tls"' },
        ]);
      }
      return new Target(network, address, `${network},${address}`);
    }
    const { host } = parseAddress(this.name, network, named) as HostPort;
    const options = tls === undefined ? this.options.tls : { ...this.options.tls, ...tls };
    const id = `${network},${address},${host},${this.identity.of(options)}`;
    return new Target(network, address, id, { options, host });
  }

  private read<O extends object>(options: O | undefined, known: readonly string[]): Partial<O> {
    if (options === undefined) return NOTHING_SAID as O;
    const { fields, problems } = readFields(options, known);
    problems.push(...dialProblems(fields as Record<string, unknown>));
    if (problems.length > 0) throw new InvalidOptionsError(this.name, problems);
    return fields;
  }
}
