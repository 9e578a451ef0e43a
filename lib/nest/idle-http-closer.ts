import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ROOT_OPTIONS } from './conn-pool.tokens.js';
import type { ConnPoolModuleOptions } from './module-options.js';

/** The part of `http.Server` that is needed; HTTP/2 has no idle connections to close. */
interface HttpServer {
  readonly listening: boolean;
  closeIdleConnections?(): void;
  once(event: 'close', listener: () => void): unknown;
}

const INTERVAL = 50;

/**
 * Closes HTTP connections as they fall idle, once the server has stopped listening. Node does so only with those that
 * are idle at that instant; a connection whose last request is answered a moment later would hold the end of the
 * application up until its client or the keep-alive timeout ends it.
 */
@Injectable()
export class IdleHttpCloser implements BeforeApplicationShutdown, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ROOT_OPTIONS) private readonly options: ConnPoolModuleOptions | undefined,
    @Optional() private readonly host?: HttpAdapterHost,
  ) {}

  beforeApplicationShutdown(): void {
    if (this.options?.closeIdleHttp === false) return;
    const server = this.host?.httpAdapter?.getHttpServer() as HttpServer | undefined;
    if (server?.listening !== true || server.closeIdleConnections === undefined) return;
    this.timer = setInterval(() => {
      if (!server.listening) server.closeIdleConnections?.();
    }, INTERVAL).unref();
    server.once('close', () => this.stop());
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
