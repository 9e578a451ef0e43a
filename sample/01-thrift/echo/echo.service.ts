import { Injectable } from '@nestjs/common';
import { ConnPool, InjectPool } from 'nestjs-conn-pool';
import type { Client } from '../gen/ConnPoolExample.js';

@Injectable()
export class EchoService {
  constructor(@InjectPool('thrift') private readonly pool: ConnPool<Client>) {}

  echo(text: string): Promise<string> {
    return this.pool.use((client) => client.Echo(text));
  }
}
