/** More addresses than this: the one resumed longest ago is forgotten. */
const MOST_KEPT = 1000;

/** The last TLS session of each address: the next handshake with it takes one round trip less. */
export class TlsSessions {
  private readonly sessions = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.sessions.get(key);
  }

  set(key: string, session: Buffer): void {
    this.sessions.delete(key);
    this.sessions.set(key, session);
    const [oldest] = this.sessions.keys();
    if (this.sessions.size > MOST_KEPT && oldest !== undefined) this.sessions.delete(oldest);
  }
}
