import { Controller, Get } from '@nestjs/common';
import { InjectPool } from 'nestjs-conn-pool';
import { TcpPool } from 'nestjs-conn-pool/tcp';

@Controller('connections')
export class ConnectionsController {
  constructor(@InjectPool('echo') private readonly pool: TcpPool) {}

  /** One row for each connection that there is. */
  @Get()
  list(): ReturnType<TcpPool['inspect']> {
    return this.pool.inspect();
  }
}
