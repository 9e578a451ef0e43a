import { LOST, type Reader, RECEIVED } from '../../lib/net/socket-watch.js';
import { loopback } from './loopback.js';
import { inTime } from './talk.js';

/** Keeps what comes. */
class Keeper implements Reader {
  readonly heard: Promise<string>;
  private hear: (text: string) => void = () => undefined;

  constructor() {
    this.heard = new Promise((resolve) => (this.hear = resolve));
  }

  [RECEIVED](chunk: Buffer): void {
    this.hear(String(chunk));
  }

  [LOST](): void {
    this.hear('it is lost');
  }
}

describe('a loan to a reader of its own', () => {
  const { pool, peer } = loopback();

  it('is fed by the watch, goes back, and is lent again', async () => {
    const { address } = await peer();
    const sockets = pool();
    const ports: unknown[] = [];
    for (const reused of [false, true]) {
      const { lease, watch } = await sockets.loan('tcp', address);
      const keeper = new Keeper();
      watch.lendTo(keeper);
      lease.conn.write('hello');
      expect([await inTime(keeper.heard), lease.reused]).toEqual(['hello', reused]);
      ports.push((lease.conn as unknown as { localPort: number }).localPort);
      expect(watch.takeBack()).toBeUndefined();
      lease.release();
    }
    expect(ports[0]).toBe(ports[1]);
  });

  it('is told when the peer hangs up', async () => {
    const remote = await peer((socket) => void socket.once('data', () => socket.destroy()));
    const { lease, watch } = await pool().loan('tcp', remote.address);
    const keeper = new Keeper();
    watch.lendTo(keeper);
    lease.conn.write('hello');
    expect(await inTime(keeper.heard)).toBe('it is lost');
    lease.discard();
  });
});
