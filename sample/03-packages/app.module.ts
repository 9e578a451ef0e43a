import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { TerminusModule } from '@nestjs/terminus';
import { connPoolConfig, ConnPoolModule } from 'nestjs-conn-pool';
import { ConnPoolHealthModule } from 'nestjs-conn-pool/terminus';
import { EchoModule } from './echo/echo.module.js';
import { HealthController } from './health.controller.js';
import { PoolsController } from './pools.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    // The operator's word on any pool comes from the environment: CONN_POOL_ECHO_MAX=50
    ConnPoolModule.forRootAsync(connPoolConfig.asProvider()),
    EchoModule,
    TerminusModule,
    ConnPoolHealthModule,
  ],
  controllers: [HealthController, PoolsController],
})
export class AppModule {}
