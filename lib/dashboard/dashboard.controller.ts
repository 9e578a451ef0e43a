import type { IncomingMessage } from 'node:http';
import {
  type CanActivate,
  Controller,
  ForbiddenException,
  Get,
  Inject,
  NotFoundException,
  Post,
  Req,
  Res,
  ServiceUnavailableException,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { DashboardFeed } from './dashboard-feed.js';
import type { DashboardSettings } from './dashboard-options.js';
import { DASHBOARD_SETTINGS } from './dashboard-tokens.js';
import { DashboardPage } from './dashboard-page.js';
import { isKnownHost } from './known-host.js';
import { forbidCrossOrigin, hostOf, rawRequest, rawResponse } from './raw-http.js';
import { isSameOrigin } from './same-origin.js';
import { Steering } from './steering.js';

/**
 * A controller of its own for each dashboard: what decorates a class belongs to all that use it.
 *
 * It answers through Node's own response, so that interceptors which wrap or time the application's answers, and parsers
 * of bodies, have no say here. Guards, the global prefix and filters of exceptions do.
 */
export function dashboardController(
  path: string,
  guards: readonly (Type<CanActivate> | CanActivate)[],
): Type {
  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(...guards)
  class ConnPoolDashboardController {
    constructor(
      @Inject(DASHBOARD_SETTINGS) private readonly settings: DashboardSettings,
      @Inject(DashboardFeed) private readonly feed: DashboardFeed,
      @Inject(DashboardPage) private readonly document: DashboardPage,
      @Inject(Steering) private readonly steering: Steering,
    ) {}

    @Get()
    page(@Req() request: object, @Res() reply: object): void {
      this.admit(rawRequest(request));
      this.document.answer(rawResponse(reply));
    }

    @Get('stream')
    stream(@Req() request: object, @Res() reply: object): void {
      const incoming = rawRequest(request);
      this.admit(incoming);
      if (!isSameOrigin(incoming)) throw new ForbiddenException('Only a page of this site may read this.');
      if (this.feed.isOver) throw new ServiceUnavailableException('The application is ending.');
      const response = rawResponse(reply);
      forbidCrossOrigin(response);
      this.feed.admit(incoming, response);
    }

    @Post('actions')
    async act(@Req() request: object, @Res() reply: object): Promise<void> {
      const incoming = rawRequest(request);
      this.admit(incoming);
      const done = await this.steering.steer(incoming);
      const response = rawResponse(reply);
      forbidCrossOrigin(response);
      response.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'no-store',
      });
      response.end(JSON.stringify(done));
    }

    private admit(request: IncomingMessage): void {
      const { enabled, hosts } = this.settings;
      if (!enabled) throw new NotFoundException();
      if (hosts !== undefined && !isKnownHost(request, hosts))
        throw new ForbiddenException(strangeHost(request));
    }
  }
  return ConnPoolDashboardController;
}

function strangeHost(request: IncomingMessage): string {
  return (
    'A dashboard that has no guards, or has been told its names, answers by IP address, as localhost and by the names in ' +
    `the option "hosts" of ConnPoolDashboardModule. If "${hostOf(request)}" is one of its names, add it there without the port.`
  );
}
