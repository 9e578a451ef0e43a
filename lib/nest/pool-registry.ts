import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';
import {
  type CloseOptions,
  type CloseReport,
  type ConnPool,
  type ConnPoolOptions,
  DuplicatePoolError,
  type ManagedPool,
  PoolClosedError,
  type PoolEvent,
  systemClock,
  UnknownPoolError,
} from '../core/index.js';
import { resolveOptions } from '../core/options.js';
import { eventsOf } from '../core/pool-events.js';
import { causeText } from './cause-text.js';
import { DEFAULT_POOL_NAME, POOL_REGISTRY, ROOT_OPTIONS } from './conn-pool.tokens.js';
import { DuplicateRootModuleError } from './module-errors.js';
import type { ConnPoolModuleOptions } from './module-options.js';
import { OptionLayers } from './option-layers.js';
import {
  type ConnectorDefinition,
  makePool,
  type ManagedDefinition,
  nameOf,
  type PoolDefinition,
} from './pool-definition.js';
import { Following, type PoolFollower } from './pool-follower.js';
import { unknownInjections } from './pool-injections.js';
import { PoolLog } from './pool-log.js';
import { RegisteredPool } from './registered-pool.js';
import { StatsReader } from './stats-reader.js';

/** How long a shutdown may wait for requests before the log says what they hold. Milliseconds. */
const PATIENCE = 2000;

/** What a stranger's close may take beyond its own limits before the registry goes on without it. */
const CLOSE_GRACE = 1000;

/** `'setup'`: pools are made, not opened; `'open'`; `'draining'`: they still lend; `'closed'`: from the first close on. */
type Phase = 'setup' | 'open' | 'draining' | 'closed';

/**
 * All pools of one application: it opens them in `onModuleInit`, before any other module's, and closes them in
 * `onApplicationShutdown`, after every other module's, when the last request has been answered.
 *
 * @example
 * constructor(private readonly pools: PoolRegistry) {}
 * counts() {
 *   return Array.from(this.pools, (pool) => pool.stats());
 * }
 */
@Injectable()
export class PoolRegistry
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('ConnPool');
  private readonly pools = new Map<string, RegisteredPool>();
  private readonly layers: OptionLayers;
  private readonly reader = new StatsReader();
  private readonly followings = new Set<Following>();
  private phase: Phase = 'setup';
  private patience: NodeJS.Timeout | undefined;

  constructor(@Inject(ROOT_OPTIONS) options: ConnPoolModuleOptions | undefined, modules: ModulesContainer) {
    this.layers = new OptionLayers(options ?? {});
    const roots = [...modules.values()].filter(({ providers }) => providers.has(POOL_REGISTRY));
    if (roots.length > 1) throw new DuplicateRootModuleError();
    for (const sentence of unknownInjections(modules)) this.logger.error(sentence);
  }

  /** Whether the application is shutting down. Its pools lend until the last request is answered; health says no. */
  get draining(): boolean {
    return this.phase === 'draining' || this.phase === 'closed';
  }

  /**
   * The pool of this name.
   *
   * @param name - default `'default'`
   * @throws UnknownPoolError, which names those that exist
   */
  get<P extends ManagedPool = ConnPool<unknown>>(name: string = DEFAULT_POOL_NAME): P {
    return this.registered(name).pool as P;
  }

  /** The pool of this name, or `undefined`. */
  find<P extends ManagedPool = ConnPool<unknown>>(name: string = DEFAULT_POOL_NAME): P | undefined {
    return this.pools.get(name)?.pool as P | undefined;
  }

  has(name: string = DEFAULT_POOL_NAME): boolean {
    return this.pools.has(name);
  }

  /** In the order in which they were registered. */
  names(): string[] {
    return [...this.pools.keys()];
  }

  /** All pools, in the order in which they were registered. */
  *[Symbol.iterator](): IterableIterator<ManagedPool> {
    for (const { pool } of this.pools.values()) yield pool;
  }

  /**
   * Registers a pool while the application runs, and starts it. A pool that cannot be started is closed and not
   * registered.
   *
   * Rejects with `DuplicatePoolError`, `InvalidOptionsError`, `PoolClosedError` once the application has closed its
   * pools, or what the pool's `start()` rejects with.
   */
  create<T, M>(definition: ConnectorDefinition<T, M>): Promise<ConnPool<T, M>>;
  create<P extends ManagedPool>(definition: ManagedDefinition<P>): Promise<P>;
  create(definition: PoolDefinition): Promise<ManagedPool>;
  async create(definition: PoolDefinition): Promise<ManagedPool> {
    const registered = this.add(definition);
    try {
      await registered.start();
    } catch (error) {
      await this.closeOne(registered, { drain: 0 });
      this.forget(registered);
      throw error;
    }
    return registered.pool;
  }

  /**
   * Tells of every pool there is and of every one that is registered later, before it is started: what looks on at pools must
   * not miss their first dials. What the follower returns is called when the pool has gone.
   *
   * @internal
   * @returns what ends it, for all pools
   */
  follow(follower: PoolFollower): () => void {
    const following = new Following(follower);
    for (const registered of this.pools.values()) following.begin(registered);
    this.followings.add(following);
    return () => {
      this.followings.delete(following);
      following.endAll();
    };
  }

  /**
   * Closes a pool, within its own `drain`, and then forgets it.
   *
   * @param name - default `'default'`
   * @throws UnknownPoolError
   */
  async remove(name: string = DEFAULT_POOL_NAME): Promise<CloseReport> {
    const registered = this.registered(name);
    try {
      return await registered.close();
    } finally {
      this.forget(registered);
    }
  }

  /**
   * For the features: makes a pool that the registry opens together with the others. One that comes later, with a module
   * that is loaded lazily, is opened now.
   *
   * @internal
   */
  register(definition: PoolDefinition): ManagedPool | Promise<ManagedPool> {
    return this.phase === 'setup' ? this.add(definition).pool : this.create(definition);
  }

  async onModuleInit(): Promise<void> {
    this.phase = 'open';
    try {
      await Promise.all(Array.from(this.pools.values(), (registered) => registered.start()));
    } catch (error) {
      // Nobody has had a chance to borrow, and nobody may ever call the hooks of an application that has not begun.
      await this.closeAll({ drain: 0 });
      throw error;
    }
  }

  onApplicationBootstrap(): void {
    const strangers = this.layers.strangers(this.names());
    if (strangers.length === 0) return;
    const known = this.names().map(quoted).join(', ') || 'none';
    this.logger.warn(
      `There are options for ${strangers.map(quoted).join(', ')}, but no such pool (known: ${known}).`,
    );
  }

  beforeApplicationShutdown(): void {
    if (this.phase === 'closed') return;
    this.phase = 'draining';
    this.patience = setTimeout(() => this.tellOfHolders(), PATIENCE).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.patience);
    await this.closeAll();
  }

  /** The server waits for its requests, and they for their connections: who reads the log must know which. */
  private tellOfHolders(): void {
    for (const { name, pool } of this.pools.values()) {
      const { leased = 0 } = this.reader.read(name, pool) ?? {};
      if (leased === 0) continue;
      const held = leased === 1 ? 'a connection is' : `${leased} connections are`;
      this.logger.warn(
        `Shutting down, but of pool "${name}" ${held} still in use: the server waits for the requests that hold them.`,
      );
    }
  }

  private registered(name: string): RegisteredPool {
    const registered = this.pools.get(name);
    if (registered === undefined) throw new UnknownPoolError(name, this.names());
    return registered;
  }

  private add(definition: PoolDefinition): RegisteredPool {
    const name = nameOf(definition);
    if (this.phase === 'closed') throw new PoolClosedError(name);
    if (this.pools.has(name)) throw new DuplicatePoolError(name, this.names());
    this.layers.refuseConfusion(name, this.names());
    const { connector: _connector, pool: _pool, ...own } = definition;
    const options = this.layers.of(name, own);
    const pool = makePool(definition, options);
    const registered = new RegisteredPool(name, pool, closeLimit(options), this.listen(name, pool, options));
    this.pools.set(name, registered);
    for (const following of this.followings) following.begin(registered);
    if (pool.name !== name) {
      this.logger.warn(
        `Pool "${name}" calls itself "${pool.name}" in its events: give it the name from its context.`,
      );
    }
    return registered;
  }

  private forget(registered: RegisteredPool): void {
    // Another may have been registered under the name meanwhile.
    if (this.pools.get(registered.name) === registered) this.pools.delete(registered.name);
    for (const following of this.followings) following.end(registered);
  }

  private listen(name: string, pool: ManagedPool, { clock = systemClock }: ConnPoolOptions<unknown>) {
    const log = new PoolLog(name, pool, this.logger, clock);
    // A stranger without events is closed like the others, only without a word.
    const events$: Observable<PoolEvent> | undefined = eventsOf(pool)?.rare ?? pool.events$;
    return events$?.subscribe({ next: (event) => log.note(event), error: () => undefined });
  }

  private async closeAll(options?: CloseOptions): Promise<void> {
    this.phase = 'closed';
    await Promise.all(Array.from(this.pools.values(), (registered) => this.closeOne(registered, options)));
  }

  /** Closes it whatever happens; what goes wrong concerns nobody but the log. */
  private async closeOne(registered: RegisteredPool, options?: CloseOptions): Promise<void> {
    try {
      await registered.close(options);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      this.logger.error(`Failed to close pool "${registered.name}": ${causeText(error)}`, stack);
    }
  }
}

function closeLimit({ name, drain, closeTimeout }: ConnPoolOptions<unknown>): number {
  const limits = resolveOptions({ name, drain, closeTimeout });
  return limits.drain + limits.closeTimeout + CLOSE_GRACE;
}

function quoted(name: string): string {
  return `"${name}"`;
}
