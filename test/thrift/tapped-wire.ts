import net from 'node:net';
import { scriptedServer } from './scripted-server.js';

/** A wire to a server that keeps what passes on it, in hexadecimal. */
export interface TappedWire extends AsyncDisposable {
  readonly port: number;
  sent(): string;
  received(): string;
  close(): Promise<void>;
}

export async function tappedWire(serverPort: number): Promise<TappedWire> {
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  const { port, close } = await scriptedServer((client) => {
    const server = net.connect(serverPort, '127.0.0.1');
    server.on('error', () => client.destroy());
    client.on('data', (bytes) => sent.push(bytes)).on('close', () => server.destroy());
    server.on('data', (bytes) => received.push(bytes));
    client.pipe(server).pipe(client);
  });
  const hex = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('hex');
  return { port, sent: () => hex(sent), received: () => hex(received), close, [Symbol.asyncDispose]: close };
}
