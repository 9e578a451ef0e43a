import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Connector } from 'nestjs-conn-pool/core';

/** One question at a time: that is what the pool is for. */
export class EchoConn {
  constructor(readonly socket: Socket) {}

  async ask(line: string, signal?: AbortSignal): Promise<string> {
    this.socket.write(`${line}\n`);
    const [answer] = (await once(this.socket, 'data', { signal })) as [Buffer];
    return answer.toString().trimEnd();
  }
}

export const echoConnector = (port: number): Connector<EchoConn> => ({
  dial: async ({ signal }) => {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect', { signal });
    return new EchoConn(socket);
  },
  close: ({ socket }) => void socket.destroy(),
  heartbeat: (conn, { signal }) => conn.ask('ping', signal),
  isAlive: ({ socket }) => !socket.destroyed,
  watch: ({ socket }, lost) => void socket.on('error', lost).once('close', () => lost()),
});
