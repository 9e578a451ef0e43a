import { Controller, Get, Param } from '@nestjs/common';
import { HubRegistry, type HubStats, type Presence } from 'nestjs-conn-pool/hub';
import { HUB } from './relay/hub.js';

@Controller()
export class HubsController {
  constructor(private readonly hubs: HubRegistry) {}

  /** This instance's. */
  @Get('hubs')
  stats(): HubStats[] {
    return this.hubs.names().map((name) => this.hubs.get(name).stats());
  }

  /** Of the whole fleet. */
  @Get('presence/:id')
  presence(@Param('id') id: string): Promise<Presence> {
    return this.hubs.get(HUB).presence(id);
  }
}
