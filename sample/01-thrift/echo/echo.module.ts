import { Module } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { thriftConnector } from 'nestjs-conn-pool/thrift';
import * as ConnPoolExample from '../gen/ConnPoolExample.js';
import { thriftConfig } from '../thrift.config.js';
import { EchoController } from './echo.controller.js';
import { EchoLoad } from './echo.load.js';
import { EchoService } from './echo.service.js';

@Module({
  imports: [
    ConnPoolModule.forFeatureAsync({
      name: 'thrift',
      imports: [ConfigModule.forFeature(thriftConfig)],
      inject: [thriftConfig.KEY],
      useFactory: ({ host, port }: ConfigType<typeof thriftConfig>) => ({
        connector: thriftConnector({
          service: ConnPoolExample,
          host,
          port,
          transport: 'framed',
          ping: (client) => client.Ping('ok'),
        }),
        max: 10,
        min: 1,
        maxWaiting: 100,
        acquireTimeout: '2s',
        // The page then shows who holds what.
        leakThreshold: '10s',
      }),
    }),
  ],
  controllers: [EchoController],
  providers: [EchoService, EchoLoad],
})
export class EchoModule {}
