import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { ConnHubHealthIndicator } from 'nestjs-conn-pool/terminus';
import { HUB } from './relay/hub.js';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly hubs: ConnHubHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.hubs.pingCheck(HUB)]);
  }
}
