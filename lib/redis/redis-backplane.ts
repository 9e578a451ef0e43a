import { errorText } from '../core/error-text.js';
import type { Backplane, BackplaneHealth, HubInstance } from '../hub/backplane.js';
import { BackplaneError, InvalidHubOptionsError } from '../hub/hub-errors.js';
import { clientOf, type RedisLike } from './redis-client.js';
import { RedisLink, type RedisLinkOwner } from './redis-link.js';
import {
  type RedisBackplaneOptions,
  resolveRedisOptions,
  type ResolvedRedisOptions,
} from './redis-options.js';
import { RedisSession } from './redis-session.js';

/** Probes that may stay away before the connection is given up. */
const MISSED_PROBES = 3;
/** The shortest time between two attempts to connect. Milliseconds. */
const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 2000;
/** What Redis says to whom it does not let in: another attempt would be answered the same. */
const REFUSED = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username|without any password configured/i;

/**
 * Instances of hubs over one Redis, standalone or with Sentinel, 6.2 or later. One object serves all hubs of a process.
 *
 * @throws InvalidOptionsError with every bad field
 *
 * @example
 * ConnHubModule.forRoot({ backplane: redisBackplane({ url: 'redis://10.0.0.5:6379' }) })
 */
export function redisBackplane(options: RedisBackplaneOptions): Backplane {
  const backplane = new RedisBackplane(resolveRedisOptions(options));
  return {
    kind: 'redis',
    link: (instance) => backplane.link(instance),
    boxOf: (link, rules, onLost) => (link as RedisLink).box(rules, onLost),
  };
}

class RedisBackplane implements RedisLinkOwner {
  /** The one that works; none while there is an outage. */
  session: RedisSession | undefined = undefined;
  /** Made; those that were started are among `links`. */
  private readonly made = new Set<RedisLink>();
  private readonly links = new Set<RedisLink>();
  private connecting: Promise<unknown> | undefined = undefined;
  private timer: NodeJS.Timeout | undefined;
  private wait = SHORTEST_WAIT;
  private isTold: 'up' | 'down' | undefined = undefined;
  private error: string | undefined = undefined;
  private lagMs: number | undefined = undefined;
  /** When the last probe was sent that has not come back. */
  private probedAt: number | undefined = undefined;

  constructor(readonly options: ResolvedRedisOptions) {}

  link(instance: HubInstance): RedisLink {
    const { hub, node } = instance;
    for (const { instance: other } of this.made) {
      if (other.hub !== hub || other.node !== node) continue;
      const allowed = 'a node that no other instance of the hub has';
      throw new InvalidHubOptionsError(hub, [{ path: 'node', given: node, allowed }]);
    }
    const link = new RedisLink(instance, this);
    this.made.add(link);
    return link;
  }

  async start(link: RedisLink): Promise<void> {
    this.links.add(link);
    const { session } = this;
    if (session !== undefined) return this.join(session, link);
    this.connecting ??= this.connect();
    const refusal = await this.connecting;
    if (refusal === undefined) return;
    this.links.delete(link);
    throw new BackplaneError(link.instance.hub, `Redis refuses it: ${errorText(refusal)}`, {
      cause: refusal,
    });
  }

  stop(link: RedisLink): void {
    this.links.delete(link);
    this.made.delete(link);
    if (this.links.size > 0) return;
    clearTimeout(this.timer);
    this.session?.end(new Error('nobody needs it any more'));
  }

  healthOf(): BackplaneHealth {
    const { error, lagMs } = this;
    if (this.session !== undefined)
      return { kind: 'redis', state: 'up', ...(lagMs === undefined ? {} : { lagMs }) };
    return { kind: 'redis', state: 'down', error: error ?? 'it has not been started' };
  }

  /** @returns why Redis does not let us in; nothing when it does, or when another attempt may help */
  private async connect(): Promise<unknown> {
    const { timeout, url, client } = this.options;
    const make = async (): Promise<RedisLike> => client?.() ?? clientOf(url as string, timeout);
    const session: RedisSession = new RedisSession(
      make,
      timeout,
      (channel, text) => this.receive(channel, text),
      (over, cause) => this.onOver(over, cause),
    );
    const links = [...this.links];
    try {
      await session.open(links.flatMap(({ channels }) => channels));
      this.probedAt = undefined;
      await this.establish(session, links);
    } catch (cause) {
      const isRefused = this.isTold === undefined && REFUSED.test(errorText(cause));
      session.end(cause);
      this.connecting = undefined;
      if (isRefused) return cause;
      this.tell('down', cause);
      this.retry();
      return undefined;
    }
    this.connecting = undefined;
    return undefined;
  }

  /** From here on it is used: the claims are told over it. */
  private async establish(session: RedisSession, links: readonly RedisLink[]): Promise<void> {
    this.session = session;
    await Promise.all(links.map((link) => link.touch(session, true)));
    if (this.session !== session) throw new Error('Redis was lost again at once');
    this.wait = SHORTEST_WAIT;
    this.tell('up', undefined);
    this.probeLater(session);
    // They came while this went on.
    for (const late of this.links) if (!links.includes(late)) await this.join(session, late);
  }

  private async join(session: RedisSession, link: RedisLink): Promise<void> {
    try {
      await session.subscribe(link.channels);
      await link.touch(session, true);
    } catch (cause) {
      // The next session takes it along.
      session.end(cause);
    }
  }

  private onOver(session: RedisSession, cause: unknown): void {
    if (this.session !== session) return;
    this.session = undefined;
    clearTimeout(this.timer);
    for (const link of this.links) link.onLost();
    if (this.links.size === 0) return;
    this.tell('down', cause);
    // While it is being established, whoever does that tries again.
    if (this.connecting === undefined) this.retry();
  }

  private retry(): void {
    if (this.links.size === 0) return;
    clearTimeout(this.timer);
    // Not all instances at the same time.
    const again = (): void => {
      this.connecting ??= this.connect();
    };
    this.timer = setTimeout(again, this.wait * (0.5 + Math.random() / 2));
    this.timer.unref();
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  private tell(state: 'up' | 'down', cause: unknown): void {
    this.error = state === 'up' ? undefined : errorText(cause).split('\n', 1)[0];
    if (this.isTold === state) return;
    this.isTold = state;
    for (const { instance } of this.links) instance.onState(state, cause);
  }

  private probeLater(session: RedisSession): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.probe(session), this.options.probe);
    this.timer.unref();
  }

  /** A message to oneself: what hears and what speaks is tried at once, and the leases are renewed. */
  private async probe(session: RedisSession): Promise<void> {
    const [link] = this.links;
    if (this.session !== session || link === undefined) return;
    const now = performance.now();
    if (this.probedAt !== undefined && now - this.probedAt > MISSED_PROBES * this.options.probe) {
      return session.end(new Error('Redis does not deliver our own messages any more'));
    }
    const sentAt = (this.probedAt ??= now);
    try {
      const [channel] = link.channels;
      await session.send('PUBLISH', [channel as string, JSON.stringify(['p', String(sentAt)])]);
      await Promise.all([...this.links].map((each) => each.touch(session, false)));
    } catch (cause) {
      session.end(cause);
    }
    if (this.session === session) this.probeLater(session);
  }

  private receive(channel: string, text: string): void {
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(said)) return;
    if (said[0] === 'p' && said[1] === String(this.probedAt)) {
      this.lagMs = performance.now() - (this.probedAt as number);
      this.probedAt = undefined;
    } else for (const link of this.links) link.receive(channel, said as unknown[]);
  }
}
