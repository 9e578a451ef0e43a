import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ConnPoolHealthIndicator } from './conn-pool-health.indicator.js';

/**
 * Provides `ConnPoolHealthIndicator` to a module with a health route.
 *
 * @example
 * @Module({ imports: [TerminusModule, ConnPoolHealthModule], controllers: [HealthController] })
 * class HealthModule {}
 */
@Module({
  imports: [TerminusModule],
  providers: [ConnPoolHealthIndicator],
  exports: [ConnPoolHealthIndicator],
})
export class ConnPoolHealthModule {}
