import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { type ConnHubModuleOptions, ConnHubModule } from 'nestjs-conn-pool/hub';
import { ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { HealthController } from './health.controller.js';
import { HubsController } from './hubs.controller.js';
import { PageController } from './page.controller.js';
import { RelayModule } from './relay/relay.module.js';

@Module({})
export class AppModule {
  /** One instance: alone, or one of several over a backplane. */
  static with({ node, backplane }: ConnHubModuleOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConnHubModule.forRoot({ node, backplane }),
        RelayModule,
        TerminusModule,
        ConnPoolHealthModule,
      ],
      controllers: [PageController, HubsController, HealthController],
    };
  }
}
