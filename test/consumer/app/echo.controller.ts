import { Controller, Get, Param } from '@nestjs/common';
import { type ConnPool, InjectPool, type PoolStats } from 'nestjs-conn-pool';
import type { EchoConn } from './echo.connector.js';

@Controller()
export class EchoController {
  constructor(@InjectPool('echo') private readonly pool: ConnPool<EchoConn>) {}

  @Get('echo/:text')
  echo(@Param('text') text: string): Promise<string> {
    return this.pool.use((conn) => conn.ask(text));
  }

  /** Borrows twice: the second time, the application may have been told to stop. */
  @Get('slow')
  async slow(): Promise<string> {
    await this.pool.use((conn) => conn.ask('slow'));
    return this.pool.use((conn) => conn.ask('at last'));
  }

  @Get('stats')
  stats(): PoolStats {
    return this.pool.stats();
  }
}
