import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

export interface DeviceOptions {
  name: string;
  /** Default `'127.0.0.1'`. */
  host?: string;
  /** Default: any free one. */
  port?: number;
}

export interface Device {
  readonly name: string;
  readonly address: string;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** How soon after an `alarm` was asked for it comes. Milliseconds. */
const ALARM_DELAY = 20;

/**
 * A device as they stand in a cellar: one line is a request, one line is its answer.
 *
 * - `read`: its temperature
 * - `restart`: its power fails for a moment. It knows nothing of the connections from before and, like any machine that is
 *   back from the dead, says so only to those who write on one
 * - `alarm`: it has something to say to everybody connected, without being asked
 */
export async function startDevice({ name, host = '127.0.0.1', port = 0 }: DeviceOptions): Promise<Device> {
  let readings = 0;
  const remembered = new Set<Socket>();
  const connected = new Set<Socket>();

  const commands: Record<string, () => string> = {
    read: () => `${(20 + (readings++ % 10) / 10).toFixed(1)} C`,
    restart: () => {
      remembered.clear();
      return 'restarting';
    },
    alarm: () => {
      void delay(ALARM_DELAY).then(() => remembered.forEach((socket) => socket.write('ALARM\n')));
      return 'alarm set';
    },
  };

  const server = createServer((socket) => {
    connected.add(socket);
    remembered.add(socket);
    let text = '';
    socket
      .setEncoding('latin1')
      .on('error', () => undefined)
      .on('close', () => [connected, remembered].forEach((sockets) => sockets.delete(socket)))
      .on('data', (chunk: string) => {
        if (!remembered.has(socket)) return void socket.resetAndDestroy();
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) socket.write(`${commands[line]?.() ?? 'what?'}\n`);
      });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));

  return {
    name,
    address: `${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connected) socket.destroy();
      }),
  };
}

// By itself: `DEVICE_PORT=7001 node device-server.js`
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const device = await startDevice({
    name: process.env.DEVICE_NAME ?? 'device',
    host: process.env.DEVICE_HOST,
    port: Number(process.env.DEVICE_PORT ?? 7001),
  });
  console.log(`Try the sample with DEVICES=${device.name}=${device.address}`);
}
