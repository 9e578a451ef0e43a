import { Injectable } from '@nestjs/common';
import { ConnPool, InjectPool } from 'nestjs-conn-pool';
import type { Client } from '../gen/ConnPoolExample.js';

/** Thrift calls have no deadline of their own; without one a silent server would hold every request, and the shutdown. */
const PATIENCE = 5000;

@Injectable()
export class EchoService {
  constructor(@InjectPool('thrift') private readonly pool: ConnPool<Client>) {}

  echo(text: string): Promise<string> {
    return this.pool.use(async (client, lease) => {
      const deadline = setTimeout(() => lease.discard(new Error('no answer in time')), PATIENCE);
      try {
        return await client.Echo(text);
      } finally {
        clearTimeout(deadline);
      }
    });
  }
}
