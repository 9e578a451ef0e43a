import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { ConnPoolDashboardModule } from 'nestjs-conn-pool/dashboard';
import { ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { echoConnector } from './echo.connector.js';
import { EchoController } from './echo.controller.js';
import { HealthController } from './health.controller.js';

@Module({ controllers: [EchoController, HealthController] })
export class AppModule {
  static talkingTo(port: number): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConnPoolModule.forRoot({ defaults: { acquireTimeout: '2s', drain: '5s' } }),
        ConnPoolModule.forFeature({ name: 'echo', connector: echoConnector(port), max: 2 }),
        TerminusModule,
        ConnPoolHealthModule,
        ConnPoolDashboardModule.forRoot(),
      ],
    };
  }
}
