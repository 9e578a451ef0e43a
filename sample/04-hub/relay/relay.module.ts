import { Module } from '@nestjs/common';
import { ConnHubModule } from 'nestjs-conn-pool/hub';
import { HUB } from './hub.js';
import { isOwnPage } from './own-page.js';
import { RelayGateway } from './relay.gateway.js';
import { RelayService } from './relay.service.js';

@Module({
  imports: [
    // Who somebody is stands in the address, as with the predecessor: `/hello?id=ann`. An application would look at a cookie
    // or a token in `identify`.
    ConnHubModule.forFeature({ name: HUB, verifyOrigin: isOwnPage, maxMessageBytes: 16 * 1024 }),
  ],
  providers: [RelayGateway, RelayService],
})
export class RelayModule {}
