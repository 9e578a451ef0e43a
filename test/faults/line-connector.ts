import net from 'node:net';
import tls from 'node:tls';
import type { Connector } from 'nestjs-conn-pool/core';

export interface LineTarget extends Pick<net.TcpNetConnectOpts, 'lookup' | 'allowHalfOpen'> {
  host: string;
  port: number;
  tls?: tls.ConnectionOptions;
}

/** One TCP or TLS connection to a server of lines. Answers come in the order of the questions. */
export class LineConn {
  private rest = '';
  private failure: unknown = undefined;
  private readonly asked: { resolve: (line: string) => void; reject: (cause: unknown) => void }[] = [];

  constructor(readonly socket: net.Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (cause) => this.fail(cause));
    socket.on('end', () => this.fail(new Error('closed by the server')));
    socket.on('close', () => this.fail(new Error('closed')));
  }

  get alive(): boolean {
    return this.failure === undefined;
  }

  ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.asked.push({ resolve, reject });
      this.socket.write(`${line}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() as string;
    for (const line of lines) this.asked.shift()?.resolve(line);
  }

  private fail(cause: unknown): void {
    this.failure ??= cause;
    for (const { reject } of this.asked.splice(0)) reject(this.failure);
  }
}

/** A connector of the plainest kind, written as its documentation says; its calls have no deadline of their own. */
export function lineConnector({ tls: secure, ...target }: LineTarget): Connector<LineConn> {
  return {
    dial: ({ signal }) =>
      new Promise((resolve, reject) => {
        const socket = secure === undefined ? net.connect(target) : tls.connect({ ...secure, ...target });
        const aborted = (): void => {
          socket.destroy();
          reject(signal.reason as Error);
        };
        const failed = (cause: Error): void => {
          signal.removeEventListener('abort', aborted);
          reject(cause);
        };
        signal.addEventListener('abort', aborted, { once: true });
        // Also after the abort: what the socket still has to say is nobody's business.
        socket.on('error', failed);
        socket.once(secure === undefined ? 'connect' : 'secureConnect', () => {
          signal.removeEventListener('abort', aborted);
          socket.off('error', failed);
          resolve(new LineConn(socket));
        });
      }),
    heartbeat: (conn, { signal }) =>
      new Promise((resolve, reject) => {
        const aborted = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', aborted, { once: true });
        void conn
          .ask('ping')
          .finally(() => signal.removeEventListener('abort', aborted))
          .then(resolve, reject);
      }),
    isAlive: (conn) => conn.alive,
    watch: ({ socket }, lost) => {
      const ended = (): void => lost(new Error('closed by the server'));
      const closed = (): void => lost();
      socket.on('error', lost).on('end', ended).on('close', closed);
      return () => void socket.off('error', lost).off('end', ended).off('close', closed);
    },
    close: (conn) => conn.close(),
    isPermanent: (error) => /CERT|ERR_SSL_WRONG_VERSION/.test((error as NodeJS.ErrnoException).code ?? ''),
  };
}
