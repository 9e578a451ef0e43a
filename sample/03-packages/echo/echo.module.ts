import { Module } from '@nestjs/common';
import { ConnPoolModule } from 'nestjs-conn-pool';
import { tcpPool } from 'nestjs-conn-pool/tcp';
import { ConnectionsController } from './connections.controller.js';
import { EchoController } from './echo.controller.js';
import { ForgettingServer, KeepingServer, PackageServer } from './echo.servers.js';
import { EchoService } from './echo.service.js';

@Module({
  imports: [
    ConnPoolModule.forFeature(tcpPool({ name: 'echo', max: 20, idleTimeout: '1m', connectTimeout: '1s' })),
  ],
  controllers: [ConnectionsController, EchoController],
  providers: [EchoService, ForgettingServer, KeepingServer, PackageServer],
  exports: [PackageServer],
})
export class EchoModule {}
