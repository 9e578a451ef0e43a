import { createSocket } from 'node:dgram';

export interface Clock {
  readonly address: string;
  close(): Promise<void>;
}

/** Answers each datagram with the time, in one. */
export async function startClock(host = '127.0.0.1'): Promise<Clock> {
  const socket = createSocket('udp4');
  socket.on('message', (_request, { address, port }) => socket.send(new Date().toISOString(), port, address));
  await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(0, host, resolve));
  return {
    address: `${host}:${socket.address().port}`,
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
