import { Controller, Get } from '@nestjs/common';
import { InjectPool } from 'nestjs-conn-pool';
import { SocketPool } from 'nestjs-conn-pool/net';

@Controller('connections')
export class ConnectionsController {
  constructor(@InjectPool('devices') private readonly pool: SocketPool) {}

  /** One row for each connection that there is. */
  @Get()
  list(): ReturnType<SocketPool['inspect']> {
    return this.pool.inspect();
  }
}
