import {
  type ArgumentsHost,
  BadGatewayException,
  Catch,
  GatewayTimeoutException,
  type HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ConnPoolError } from 'nestjs-conn-pool';
import { SocketDeadlineError } from 'nestjs-conn-pool/net';
import { NoLineError } from './read-line.js';

/** No connection, or a stale one: 503. No answer in time: 504. Half an answer, or one that is none: 502. */
@Catch()
export class DeviceErrorFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    super.catch(toHttp(error) ?? error, host);
  }
}

/** Addresses and causes are no business of a client. */
function toHttp(cause: unknown): HttpException | undefined {
  if (cause instanceof SocketDeadlineError) {
    return new GatewayTimeoutException('There was no answer in time.', { cause });
  }
  if (cause instanceof ConnPoolError) {
    return new ServiceUnavailableException(`There is no connection to be had (${cause.code}).`, { cause });
  }
  if (cause instanceof NoLineError || isOfSystem(cause)) {
    return new BadGatewayException('There was no proper answer.', { cause });
  }
  return undefined;
}

/** What a socket says when its connection breaks. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
