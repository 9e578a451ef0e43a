import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { TerminusModule } from '@nestjs/terminus';
import { connPoolConfig, ConnPoolModule } from 'nestjs-conn-pool';
import { ConnPoolDashboardModule } from 'nestjs-conn-pool/dashboard';
import { ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { EchoModule } from './echo/echo.module.js';
import { HealthController } from './health.controller.js';
import { PoolsController } from './pools.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    // The operator's word on any pool comes from the environment: CONN_POOL_THRIFT_MAX=20
    ConnPoolModule.forRootAsync(connPoolConfig.asProvider()),
    EchoModule,
    // It listens on 127.0.0.1 only; anywhere else there must be guards.
    ConnPoolDashboardModule.forRoot({ title: 'Echo', actions: true, unguarded: true }),
    TerminusModule,
    ConnPoolHealthModule,
  ],
  controllers: [HealthController, PoolsController],
})
export class AppModule {}
