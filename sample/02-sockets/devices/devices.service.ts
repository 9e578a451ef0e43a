import { once } from 'node:events';
import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { InjectPool } from 'nestjs-conn-pool';
import { type Network, type PooledSocket, SocketPool } from 'nestjs-conn-pool/net';
import { devicesConfig } from '../devices.config.js';
import { readLine } from './read-line.js';

/** For a connection, and then for an answer. Milliseconds. */
const PATIENCE = 2000;

export interface Answer {
  from: string;
  answer: string;
  /** Whether the connection was there before. */
  reused: boolean;
  /** Two answers with the same one came over the same connection. */
  localPort: number | undefined;
}

@Injectable()
export class DevicesService {
  constructor(
    @InjectPool('devices') private readonly pool: SocketPool,
    @Inject(devicesConfig.KEY) private readonly config: ConfigType<typeof devicesConfig>,
  ) {}

  names(): string[] {
    return [...this.config.addresses.keys()];
  }

  /** Asks for the temperature. That may be asked twice, so a connection that turns out dead is replaced unnoticed. */
  read(device: string): Promise<Answer> {
    return this.ask(device, 'read', true);
  }

  /** Tells the device to do something. Whether it has heard nobody knows once the connection breaks: it is not told twice. */
  command(device: string, command: string): Promise<Answer> {
    return this.ask(device, command, false);
  }

  async time(): Promise<Answer> {
    await using socket = await this.dial('udp', this.config.clock, false);
    socket.write('time');
    const [datagram] = (await once(socket, 'data')) as [Buffer];
    return answerOf('clock', datagram.toString(), socket);
  }

  private async ask(device: string, command: string, replay: boolean): Promise<Answer> {
    const address = this.config.addresses.get(device);
    if (address === undefined) throw new NotFoundException(`There is no device "${device}".`);
    await using socket = await this.dial('tcp', address, replay);
    socket.write(`${command}\n`);
    return answerOf(device, await readLine(socket), socket);
  }

  private async dial(network: Network, address: string, replay: boolean): Promise<PooledSocket> {
    const socket = await this.pool.dial(network, address, { timeout: PATIENCE, replay });
    return socket.setDeadline(Date.now() + PATIENCE);
  }
}

function answerOf(from: string, answer: string, { reused, localPort }: PooledSocket): Answer {
  return { from, answer, reused, localPort };
}
