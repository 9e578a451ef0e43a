import { Controller, Get } from '@nestjs/common';
import { PoolRegistry, type PoolStats } from 'nestjs-conn-pool';

@Controller('pools')
export class PoolsController {
  constructor(private readonly pools: PoolRegistry) {}

  @Get()
  stats(): PoolStats[] {
    return Array.from(this.pools, (pool) => pool.stats());
  }
}
