import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { readFields } from '../../core/fields.js';
import { withoutUndefined } from '../../core/options.js';
import { causeText } from '../../nest/cause-text.js';
import { ConnHub } from '../conn-hub.js';
import { HubClosedError, InvalidHubOptionsError, UnknownHubError } from '../hub-errors.js';
import { DuplicateHubRootModuleError } from './hub-module-errors.js';
import type { ConnHubModuleOptions, HubDefinition } from './hub-module-options.js';
import { DEFAULT_HUB_NAME, HUB_REGISTRY, HUB_ROOT_OPTIONS } from './hub-tokens.js';

const ROOT_OPTIONS = ['backplane', 'node', 'defaults'];

/**
 * All hubs of an application. It starts them with the application; at its end, before the server closes, it says good-bye
 * to every connection.
 */
@Injectable()
export class HubRegistry implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('ConnHub');
  private readonly hubs = new Map<string, ConnHub<never>>();
  private readonly root: ConnHubModuleOptions;
  private phase: 'setup' | 'open' | 'closed' = 'setup';

  /** @throws DuplicateHubRootModuleError, InvalidOptionsError */
  constructor(
    @Inject(HUB_ROOT_OPTIONS) options: ConnHubModuleOptions | undefined,
    modules: ModulesContainer,
  ) {
    const { fields, problems } = readFields<ConnHubModuleOptions>(options ?? {}, ROOT_OPTIONS);
    if (problems.length > 0) throw new InvalidHubOptionsError('*', problems);
    this.root = fields;
    const roots = [...modules.values()].filter(({ providers }) => providers.has(HUB_REGISTRY));
    if (roots.length > 1) throw new DuplicateHubRootModuleError();
  }

  /**
   * The hub of a name: the one that is there, which keeps its options, or one that is made and started now.
   *
   * @throws InvalidOptionsError; HubClosedError once the application closes its hubs
   *
   * @example
   * registry.register('room-7').add(id, socket);
   */
  register<M = unknown>(hub: string | HubDefinition<M>): ConnHub<M> {
    const { name = DEFAULT_HUB_NAME, ...own } = typeof hub === 'string' ? { name: hub } : hub;
    const present = this.hubs.get(name);
    if (present !== undefined) return present as unknown as ConnHub<M>;
    if (this.phase === 'closed') throw new HubClosedError(name);
    const { backplane, node, defaults = {} } = this.root;
    const made = new ConnHub<M>({
      ...(withoutUndefined(defaults) as HubDefinition<M>),
      ...withoutUndefined(own),
      name,
      node,
      backplane,
    });
    this.hubs.set(name, made as unknown as ConnHub<never>);
    if (this.phase === 'open') void made.start().catch((error: unknown) => this.tellBadStart(name, error));
    return made;
  }

  /**
   * The hub of this name.
   *
   * @param name - default `'default'`
   * @throws UnknownHubError, which names those that exist
   */
  get<M = unknown>(name: string = DEFAULT_HUB_NAME): ConnHub<M> {
    const hub = this.find<M>(name);
    if (hub === undefined) throw new UnknownHubError(name, this.names());
    return hub;
  }

  /** The hub of this name, or `undefined`. */
  find<M = unknown>(name: string = DEFAULT_HUB_NAME): ConnHub<M> | undefined {
    return this.hubs.get(name) as unknown as ConnHub<M> | undefined;
  }

  has(name: string = DEFAULT_HUB_NAME): boolean {
    return this.hubs.has(name);
  }

  /** In the order in which they were registered. */
  names(): string[] {
    return [...this.hubs.keys()];
  }

  /**
   * Closes a hub, within its own `drain`, and then forgets it.
   *
   * @param name - default `'default'`
   * @throws UnknownHubError
   */
  async remove(name: string = DEFAULT_HUB_NAME): Promise<void> {
    const hub = this.get(name);
    await hub.close();
    if (this.find(name) === hub) this.hubs.delete(name);
  }

  async onModuleInit(): Promise<void> {
    this.phase = 'open';
    await Promise.all(Array.from(this.hubs.values(), (hub) => hub.start()));
  }

  /** Before the server closes, which would cut the connections off without a word. */
  async beforeApplicationShutdown(): Promise<void> {
    this.phase = 'closed';
    await Promise.all(Array.from(this.hubs.values(), (hub) => this.closeOne(hub)));
  }

  private async closeOne(hub: ConnHub<never>): Promise<void> {
    const { connections } = hub.stats();
    await hub.close();
    if (connections > 0) this.logger.log(`Hub "${hub.name}" closed: ${connections} connections.`);
  }

  private tellBadStart(name: string, error: unknown): void {
    this.logger.error(`Hub "${name}" could not be started: ${causeText(error)}`);
  }
}
