import { errorText } from '../core/error-text.js';
import type { Backplane, HubInstance } from '../hub/backplane.js';
import { SessionKeeper } from '../hub/session-keeper.js';
import { natsOf } from './nats-client.js';
import { NatsLink, type NatsLinkOwner } from './nats-link.js';
import { type NatsBackplaneOptions, type ResolvedNatsOptions, resolveNatsOptions } from './nats-options.js';
import { NatsSession } from './nats-session.js';

/** What is said to whom is not let in, or by what is no NATS: another attempt would be answered the same. */
const REFUSED =
  /authorization violation|authentication|permissions violation|unexpected response from server|'tls'|cannot be loaded/i;

/**
 * Instances of hubs over NATS, a server or a cluster of 2.2 or later; JetStream is not needed. One object serves all hubs of
 * a process.
 *
 * @throws InvalidOptionsError with every bad field
 *
 * @example
 * ConnHubModule.forRoot({ backplane: natsBackplane({ url: 'nats://10.0.0.5:4222' }) })
 */
export function natsBackplane(options: NatsBackplaneOptions): Backplane {
  const backplane = new NatsBackplane(resolveNatsOptions(options));
  return { kind: 'nats', link: (instance) => backplane.link(instance) };
}

class NatsBackplane extends SessionKeeper<NatsSession, NatsLink> implements NatsLinkOwner {
  protected override readonly kind = 'nats';
  protected override readonly server = 'NATS';

  constructor(readonly options: ResolvedNatsOptions) {
    super(options.probe);
  }

  override onProbe(text: unknown): boolean {
    return super.onProbe(text);
  }

  protected override makeLink(instance: HubInstance): NatsLink {
    return new NatsLink(instance, this);
  }

  protected override makeSession(): NatsSession {
    const { timeout, url, client, prefix } = this.options;
    return new NatsSession(
      () => client?.() ?? natsOf(url as string, prefix, timeout),
      timeout,
      (over, cause) => this.onOver(over, cause),
    );
  }

  protected override async open(session: NatsSession, links: readonly NatsLink[]): Promise<void> {
    await session.open();
    for (const link of links) link.listen(session);
    await session.flush();
  }

  protected override async join(session: NatsSession, link: NatsLink): Promise<void> {
    link.listen(session);
    await session.flush();
  }

  protected override part(session: NatsSession, link: NatsLink): Promise<void> {
    return link.leave(session);
  }

  protected override async sendProbe(session: NatsSession, link: NatsLink, text: string): Promise<void> {
    link.probe(session, text);
    await session.flush();
  }

  protected override isRefusal(cause: unknown): boolean {
    return REFUSED.test(errorText(cause));
  }
}
