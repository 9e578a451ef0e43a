import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnHub, type ConnHubOptions, type Delivery } from 'nestjs-conn-pool/hub';
import { natsBackplane } from 'nestjs-conn-pool/nats';
import { redisBackplane } from 'nestjs-conn-pool/redis';
import { WebSocketServer } from 'ws';
import type { Pushed } from '../ledger.js';

/** One instance of a hub, in a process of its own. */
interface Given {
  kind: 'redis' | 'nats';
  url: string;
  node: string;
  times: object;
  options: ConnHubOptions;
}

const { kind, url, node, times, options } = JSON.parse(process.argv[2] as string) as Given;
const backplane = kind === 'redis' ? redisBackplane({ url, ...times }) : natsBackplane({ url, ...times });
const hub = new ConnHub({ name: 'chat', node, backplane, ...options });
const tell = (said: object): void => void process.send?.(said);
hub.events$.subscribe((event) => {
  if (event.type === 'backplane') tell({ event: `backplane ${event.state}` });
  else if (event.type === 'online' || event.type === 'offline') tell({ event: `${event.type} ${event.id}` });
  else if (event.type === 'left') tell({ event: `left ${event.reason} ${event.id}` });
});
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 16_384 });
server.on('connection', (socket, request: IncomingMessage) => void hub.attach(socket, request));

/** Pushes the next number to each of some ids, again and again, and keeps what became of each. */
class Load {
  private readonly pushed: Promise<Pushed>[] = [];
  private readonly timer: NodeJS.Timeout;
  private next = 0;

  constructor(ids: readonly string[], every: number, padding: number) {
    const tail = 'x'.repeat(padding);
    this.timer = setInterval(() => {
      this.next += 1;
      const number = this.next;
      for (const id of ids) {
        const begun = performance.now();
        const kept = ({ status, reason, connections }: Delivery): Pushed => [
          id,
          number,
          reason ?? status,
          connections,
          Math.round(performance.now() - begun),
        ];
        this.pushed.push(hub.push(id, `${number}${tail}`).then(kept));
      }
    }, every);
  }

  end(): Promise<Pushed[]> {
    clearInterval(this.timer);
    return Promise.all(this.pushed);
  }
}

let load: Load | undefined;
const orders: Record<string, (...args: never[]) => unknown> = {
  push: (id: string, text: string) => hub.push(id, text),
  presences: async (ids: string[]) => {
    const found = await Promise.all(ids.map((id) => hub.presence(id)));
    return found.map(({ connections, complete }) => [connections.map((each) => each.node).join(), complete]);
  },
  size: () => hub.size,
  health: () => hub.health(),
  load: (ids: string[], every: number, padding: number) => void (load = new Load(ids, every, padding)),
  unload: () => load?.end(),
};
process.on('message', ({ number, order, args }: { number: number; order: string; args: never[] }) => {
  void Promise.resolve(orders[order]?.(...args)).then((answer) => tell({ number, answer }));
});
process.on('disconnect', () => process.exit());
await hub.start();
tell({ port: (server.address() as AddressInfo).port });
