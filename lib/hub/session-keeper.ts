import { errorText } from '../core/error-text.js';
import type { Backplane, BackplaneHealth, BackplaneLink, HubInstance } from './backplane.js';
import { BackplaneError, InvalidHubOptionsError } from './hub-errors.js';

/** Probes that may stay away before the connection is given up. */
const MISSED_PROBES = 3;
/** The shortest time between two attempts to connect. Milliseconds. */
const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 2000;

/** A connection to the server, from the first command to the first failure: then it is over, and another is made. */
export interface Session {
  /** Harmless when it is over already. */
  end(cause: unknown): void;
}

/** A hub's tie to its other instances, over whichever session there is. */
export interface KeptLink<S extends Session> extends BackplaneLink {
  readonly instance: HubInstance;
  /** A sign of life. Rejects when the session is of no use. @param isNew - nothing has been told over it yet */
  touch(session: S, isNew: boolean): Promise<void>;
  /** Gives up all that it has. Rejects when the session is of no use. */
  leave(session: S): Promise<void>;
  /** The session is over. */
  onLost(): void;
}

/** Keeps a session up for the hubs of a process: makes it, probes it, and makes another when it breaks. */
export abstract class SessionKeeper<S extends Session, L extends KeptLink<S>> {
  /** The one that works; none while there is an outage. */
  session: S | undefined = undefined;
  protected abstract readonly kind: Backplane['kind'];
  /** What people call the server. */
  protected abstract readonly server: string;
  /** Those that were started. */
  protected readonly links = new Set<L>();
  protected readonly made = new Set<L>();
  /** What those that were started were told last. */
  private readonly told = new WeakMap<L, 'up' | 'down'>();
  /** The one that is being made, until it is in use. */
  private attempt: { readonly session: S; readonly refusal: Promise<unknown> } | undefined = undefined;
  private timer: NodeJS.Timeout | undefined;
  private wait = SHORTEST_WAIT;
  private error: string | undefined = undefined;
  private lagMs: number | undefined = undefined;
  /** When the last probe was sent that has not come back. */
  private probedAt: number | undefined = undefined;

  /** @param probe - how often a message to oneself is sent. Milliseconds */
  protected constructor(private readonly probeInterval: number) {}

  /** @throws InvalidOptionsError when there is a hub of this name and node already */
  link(instance: HubInstance): L {
    const { hub, node } = instance;
    for (const { instance: other } of this.made) {
      if (other.hub !== hub || other.node !== node) continue;
      const allowed = 'a node that no other instance of the hub has';
      throw new InvalidHubOptionsError(hub, [{ path: 'node', given: node, allowed }]);
    }
    const link = this.makeLink(instance);
    this.made.add(link);
    return link;
  }

  async start(link: L): Promise<void> {
    this.links.add(link);
    const { session } = this;
    if (session !== undefined) return this.take(session, link);
    const refusal = await this.connect();
    // Who was tied in before stays, and waits.
    if (refusal === undefined || this.links.has(link)) return;
    throw new BackplaneError(link.instance.hub, `${this.server} refuses it: ${errorText(refusal)}`, {
      cause: refusal,
    });
  }

  async stop(link: L): Promise<void> {
    // First: no sign of life may follow.
    this.links.delete(link);
    const { session } = this;
    if (session !== undefined) await this.part(session, link).catch(() => undefined);
    this.made.delete(link);
    if (this.links.size > 0) return;
    clearTimeout(this.timer);
    const { attempt } = this;
    this.attempt = undefined;
    this.error = undefined;
    const idle = new Error('nobody needs it any more');
    attempt?.session.end(idle);
    this.session?.end(idle);
  }

  healthOf(): BackplaneHealth {
    const { kind, error, lagMs } = this;
    if (this.session !== undefined) return { kind, state: 'up', ...(lagMs === undefined ? {} : { lagMs }) };
    return { kind, state: 'down', error: error ?? 'it has not been started' };
  }

  protected abstract makeLink(instance: HubInstance): L;
  /** Nothing is opened yet. */
  protected abstract makeSession(): S;
  /** Rejects with what keeps it from being used by these. */
  protected abstract open(session: S, links: readonly L[]): Promise<void>;
  /** One more uses it. */
  protected abstract join(session: S, link: L): Promise<void>;
  /** One uses it no more, and is not among the links. */
  protected abstract part(session: S, link: L): Promise<void>;
  /** Sends oneself a message with this text; it comes back by `onProbe()`. */
  protected abstract sendProbe(session: S, link: L, text: string): Promise<void>;
  /** Another attempt would be answered the same. */
  protected abstract isRefusal(cause: unknown): boolean;

  /** @returns whether it was ours */
  protected onProbe(text: unknown): boolean {
    if (text !== String(this.probedAt)) return false;
    this.lagMs = performance.now() - (this.probedAt as number);
    this.probedAt = undefined;
    return true;
  }

  protected onOver(session: S, cause: unknown): void {
    if (this.session !== session) return;
    this.session = undefined;
    clearTimeout(this.timer);
    for (const link of this.links) link.onLost();
    if (this.links.size === 0) return;
    this.tell('down', cause);
    // While it is being established, whoever does that tries again.
    if (this.attempt === undefined) this.retry();
  }

  /** @returns why the server does not let us in; nothing when it does, or when another attempt may help */
  private connect(): Promise<unknown> {
    if (this.attempt === undefined) {
      const session = this.makeSession();
      this.attempt = { session, refusal: this.tryWith(session) };
    }
    return this.attempt.refusal;
  }

  private async tryWith(session: S): Promise<unknown> {
    // Not before the attempt is known as such.
    await Promise.resolve();
    const links = [...this.links];
    const isWanted = (): boolean => this.attempt?.session === session;
    try {
      await this.open(session, links);
      if (!isWanted()) throw new Error('nobody needs it any more');
      this.probedAt = undefined;
      await this.establish(session, links);
    } catch (cause) {
      const isRefused = this.isRefusal(cause);
      // They are told by their start, and by nothing else.
      if (isRefused) for (const link of this.links) if (!this.told.has(link)) this.links.delete(link);
      session.end(cause);
      if (!isWanted()) return undefined;
      this.attempt = undefined;
      this.tell('down', cause);
      this.retry();
      return isRefused ? cause : undefined;
    }
    if (isWanted()) this.attempt = undefined;
    return undefined;
  }

  /** From here on it is used: the claims are told over it. */
  private async establish(session: S, links: readonly L[]): Promise<void> {
    this.session = session;
    // Whoever comes from now on takes it himself.
    const late = [...this.links].filter((link) => !links.includes(link));
    const present = links.filter((link) => this.links.has(link));
    await Promise.all(present.map((link) => link.touch(session, true)));
    if (this.session !== session) throw new Error(`${this.server} was lost again at once`);
    this.wait = SHORTEST_WAIT;
    this.tell('up', undefined);
    this.probeLater(session);
    for (const link of late) if (this.links.has(link)) await this.take(session, link);
  }

  private async take(session: S, link: L): Promise<void> {
    try {
      await this.join(session, link);
      if (!this.links.has(link)) return;
      await link.touch(session, true);
      if (this.session === session) this.tellOne(link, 'up', undefined);
    } catch (cause) {
      // The next session takes it along.
      session.end(cause);
    }
  }

  private retry(): void {
    if (this.links.size === 0) return;
    clearTimeout(this.timer);
    // Not all instances at the same time.
    this.timer = setTimeout(() => void this.connect(), this.wait * (0.5 + Math.random() / 2));
    this.timer.unref();
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  private tell(state: 'up' | 'down', cause: unknown): void {
    this.error = state === 'up' ? undefined : errorText(cause).split('\n', 1)[0];
    for (const link of this.links) this.tellOne(link, state, cause);
  }

  private tellOne(link: L, state: 'up' | 'down', cause: unknown): void {
    if (this.told.get(link) === state) return;
    this.told.set(link, state);
    link.instance.onState(state, cause);
  }

  private probeLater(session: S): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.probe(session), this.probeInterval);
    this.timer.unref();
  }

  /** A message to oneself: what hears and what speaks is tried at once, and all give a sign of life. */
  private async probe(session: S): Promise<void> {
    const [link] = this.links;
    if (this.session !== session || link === undefined) return;
    const now = performance.now();
    if (this.probedAt !== undefined && now - this.probedAt > MISSED_PROBES * this.probeInterval) {
      return session.end(new Error(`${this.server} does not deliver our own messages any more`));
    }
    this.probedAt ??= now;
    try {
      await this.sendProbe(session, link, String(this.probedAt));
      await Promise.all([...this.links].map((each) => each.touch(session, false)));
    } catch (cause) {
      session.end(cause);
    }
    if (this.session === session) this.probeLater(session);
  }
}
