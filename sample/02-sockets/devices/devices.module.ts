import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { SocketPool } from 'nestjs-conn-pool/net';
import { devicesConfig } from '../devices.config.js';
import { ClockController } from './clock.controller.js';
import { ConnectionsController } from './connections.controller.js';
import { DevicesController } from './devices.controller.js';
import { DevicesService } from './devices.service.js';

@Module({
  imports: [
    ConfigModule.forFeature(devicesConfig),
    ConnPoolModule.forFeature({
      name: 'devices',
      max: 20,
      maxIdle: 2,
      idleTimeout: '1m',
      // The options above, and what the operator says instead, are in `options`.
      pool: ({ name, options: { max, maxIdle, idleTimeout } }) =>
        new SocketPool({ name, max, maxIdle, idleTimeout, connectTimeout: '1s' }),
    }),
  ],
  controllers: [ClockController, ConnectionsController, DevicesController],
  providers: [DevicesService],
})
export class DevicesModule {}
