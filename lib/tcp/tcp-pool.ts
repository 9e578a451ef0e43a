import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { Observable } from 'rxjs';
import {
  type CloseOptions,
  type CloseReport,
  type ConnInfo,
  type HeartbeatContext,
  type HeartbeatOptions,
  type HeartbeatReport,
  InvalidOptionsError,
  type ManagedPool,
  type OptionProblem,
  type PoolEvent,
  type PoolState,
  type PoolStats,
  type StatsOptions,
} from '../core/index.js';
import { type Address, type SocketAcquireOptions, SocketPool, type SocketPoolOptions } from '../net/index.js';
import { PoolConn } from './pool-conn.js';
import { TcpConn } from './tcp-conn.js';
import { type TcpPoolOptions, withTcpDefaults } from './tcp-pool-options.js';

/** How one borrowing differs from the others. `timeout` is for getting the connection, not for what is done with it. */
export type TcpGetOptions = SocketAcquireOptions;

/**
 * TCP connections that are kept for reuse, by address. The successor of gtcp's pool.
 *
 * @example
 * const pool = new TcpPool({ name: 'devices', max: 200 });
 * await using conn = await pool.get('10.0.0.7:8999', { timeout: '2s' });
 * const answer = await conn.sendRecvPkg('read', { timeout: '1s' });
 */
export class TcpPool implements ManagedPool, AsyncDisposable {
  readonly name: string;
  readonly events$: Observable<PoolEvent>;
  private readonly sockets: SocketPool;
  private readonly network: 'tcp' | 'tls';

  /** @throws InvalidOptionsError with every bad option; nothing is dialled */
  constructor(options: TcpPoolOptions = {}) {
    const { given, problems } = withTcpDefaults(options);
    this.sockets = socketPool(given, problems);
    this.network = given.tls === undefined ? 'tcp' : 'tls';
    this.name = this.sockets.name;
    this.events$ = this.sockets.events$;
  }

  get state(): PoolState {
    return this.sockets.state;
  }

  /** Connections there are, lent, idle and being dialled. */
  get size(): number {
    return this.sockets.size;
  }

  /** How many are idle for an address. */
  idleCount(address: string): number {
    return this.sockets.idleCount(this.network, address);
  }

  /**
   * A connection to an address: an idle one, or a new one.
   *
   * Rejects with InvalidAddressError, DialError (whose `cause` is what the socket said), PoolExhaustedError at `max`,
   * PoolClosedError, AcquireTimeoutError, InvalidOptionsError, or the signal's own reason.
   *
   * @param address - `host:port` or `[v6]:port`
   */
  async get(address: string, options?: TcpGetOptions): Promise<PoolConn> {
    const tls = tlsOf(options);
    const network = tls === undefined ? this.network : 'tls';
    const loan = await this.sockets.loan(network, address, options);
    return PoolConn.of({ pool: this.name, address }, loan, (call) =>
      this.sockets.loan(network, address, { ...call, tls }),
    );
  }

  /**
   * Borrows a connection for one piece of work and gives it back; when the work fails, the connection is ended. Rejects as
   * `get`, or with what the work throws.
   *
   * @example
   * const answer = await pool.use('10.0.0.7:8999', (conn) => conn.sendRecvPkg('read'));
   */
  async use<R>(
    address: string,
    work: (conn: PoolConn) => R | Promise<R>,
    options?: TcpGetOptions,
  ): Promise<R> {
    if (typeof work !== 'function') {
      throw new InvalidOptionsError(this.name, [{ path: 'work', given: work, allowed: 'a function' }]);
    }
    const conn = await this.get(address, options);
    try {
      return await work(conn);
    } catch (error) {
      conn.discard('the work with it has failed');
      throw error;
    } finally {
      await conn.close();
    }
  }

  /** Begins the upkeep: idle connections are checked in the background if there is a `heartbeat`. Dials nothing. */
  start(): Promise<void> {
    return this.sockets.start();
  }

  stats(options?: StatsOptions): PoolStats {
    return this.sockets.stats(options);
  }

  /** One row for each connection, with its address. */
  inspect(): (ConnInfo & Address)[] {
    return this.sockets.inspect();
  }

  /** Checks the idle connections now, by their state and by `heartbeat`. Never dials. */
  heartbeat(options?: HeartbeatOptions): Promise<HeartbeatReport> {
    return this.sockets.heartbeat(options);
  }

  /** Closes the idle connections of all addresses; the pool stays fully usable. @returns how many, once closed */
  closeIdle(): Promise<number> {
    return this.sockets.closeIdle();
  }

  /** Closes the pool: idle connections now, lent ones when they come back or, when `drain` is over, by force. */
  close(options?: CloseOptions): Promise<CloseReport> {
    return this.sockets.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Of options that cannot be read the socket pool tells. */
function tlsOf(options: TcpGetOptions | undefined): ConnectionOptions | undefined {
  try {
    return options?.tls;
  } catch {
    return undefined;
  }
}

/** @throws InvalidOptionsError with what is wrong there and here */
function socketPool(given: TcpPoolOptions, problems: readonly OptionProblem[]): SocketPool {
  const { heartbeat } = given;
  const probe = typeof heartbeat === 'function' ? probeBy(heartbeat) : heartbeat;
  let more: readonly OptionProblem[] = [];
  let name = '';
  try {
    const pool = new SocketPool({ ...given, heartbeat: probe as SocketPoolOptions['heartbeat'] });
    if (problems.length === 0) return pool;
    name = pool.name;
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    name = error.pool;
    more = error.problems;
  }
  throw new InvalidOptionsError(name, [...problems, ...more]);
}

/** The probe has a connection of its own, which must not have left anything unread. */
function probeBy(heartbeat: NonNullable<TcpPoolOptions['heartbeat']>) {
  return async (socket: Duplex, context: HeartbeatContext): Promise<void> => {
    const conn = TcpConn.fromSocket(socket as Socket);
    let unfit: string | undefined;
    try {
      await heartbeat(conn, context);
    } finally {
      unfit = conn.release();
    }
    if (unfit !== undefined) throw new Error(`the heartbeat left the connection unfit: ${unfit}`);
  };
}
