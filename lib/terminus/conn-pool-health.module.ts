import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ConnHubHealthIndicator } from './conn-hub-health.indicator.js';
import { ConnPoolHealthIndicator } from './conn-pool-health.indicator.js';

/**
 * Provides `ConnPoolHealthIndicator` and `ConnHubHealthIndicator` to a module with a health route.
 *
 * @example
 * @Module({ imports: [TerminusModule, ConnPoolHealthModule], controllers: [HealthController] })
 * class HealthModule {}
 */
@Module({
  imports: [TerminusModule],
  providers: [ConnPoolHealthIndicator, ConnHubHealthIndicator],
  exports: [ConnPoolHealthIndicator, ConnHubHealthIndicator],
})
export class ConnPoolHealthModule {}
