import { errorText } from '../core/error-text.js';
import type { Backplane, HubInstance } from '../hub/backplane.js';
import { SessionKeeper } from '../hub/session-keeper.js';
import { clientOf, type RedisLike } from './redis-client.js';
import { RedisLink, type RedisLinkOwner } from './redis-link.js';
import {
  type RedisBackplaneOptions,
  resolveRedisOptions,
  type ResolvedRedisOptions,
} from './redis-options.js';
import { RedisSession } from './redis-session.js';

/** What Redis says to whom it does not let in, or what is no Redis: another attempt would be answered the same. */
const REFUSED =
  /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username|without any password configured|protocol error|unknown RESP type/i;

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

class RedisBackplane extends SessionKeeper<RedisSession, RedisLink> implements RedisLinkOwner {
  protected override readonly kind = 'redis';
  protected override readonly server = 'Redis';

  constructor(readonly options: ResolvedRedisOptions) {
    super(options.probe);
  }

  protected override makeLink(instance: HubInstance): RedisLink {
    return new RedisLink(instance, this);
  }

  protected override makeSession(): RedisSession {
    const { timeout, url, client } = this.options;
    const make = async (): Promise<RedisLike> => client?.() ?? clientOf(url as string, timeout);
    return new RedisSession(
      make,
      timeout,
      (channel, text) => this.receive(channel, text),
      (over, cause) => this.onOver(over, cause),
    );
  }

  protected override open(session: RedisSession, links: readonly RedisLink[]): Promise<void> {
    return session.open(links.flatMap(({ channels }) => channels));
  }

  protected override join(session: RedisSession, link: RedisLink): Promise<void> {
    return session.subscribe(link.channels);
  }

  protected override async part(session: RedisSession, link: RedisLink): Promise<void> {
    await link.leave(session);
    // Hubs of one name share one of them.
    const needed = new Set([...this.links].flatMap(({ channels }) => channels));
    if (needed.size > 0) await session.unsubscribe(link.channels.filter((each) => !needed.has(each)));
  }

  protected override async sendProbe(session: RedisSession, link: RedisLink, text: string): Promise<void> {
    const [channel] = link.channels;
    const sent = session.send('PUBLISH', [channel as string, JSON.stringify(['p', text])]);
    await Promise.all([sent, session.readClock()]);
  }

  protected override isRefusal(cause: unknown): boolean {
    return REFUSED.test(errorText(cause));
  }

  private receive(channel: string, text: string): void {
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(said)) return;
    if (said[0] === 'p' && this.onProbe(said[1])) return;
    for (const link of this.made) link.receive(channel, said as unknown[]);
  }
}
