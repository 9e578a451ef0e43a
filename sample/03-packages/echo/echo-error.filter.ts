import {
  type ArgumentsHost,
  BadGatewayException,
  Catch,
  GatewayTimeoutException,
  type HttpException,
  PayloadTooLargeException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ConnPoolError } from 'nestjs-conn-pool';
import {
  EofError,
  InvalidPackageSizeError,
  PackageTooLargeError,
  TcpConnLostError,
  TcpTimeoutError,
} from 'nestjs-conn-pool/tcp';

/** Too long for a package: 413. No answer in time: 504. A connection that breaks or ends: 502. No connection: 503. */
@Catch()
export class EchoErrorFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    super.catch(toHttp(error) ?? error, host);
  }
}

/** Addresses and causes are no business of a client. */
function toHttp(cause: unknown): HttpException | undefined {
  if (cause instanceof PackageTooLargeError) {
    return new PayloadTooLargeException('That does not fit into a package.', { cause });
  }
  if (cause instanceof TcpTimeoutError) {
    return new GatewayTimeoutException('There was no answer in time.', { cause });
  }
  const isBroken =
    cause instanceof EofError ||
    cause instanceof TcpConnLostError ||
    cause instanceof InvalidPackageSizeError;
  if (isBroken) return new BadGatewayException('There was no proper answer.', { cause });
  if (cause instanceof ConnPoolError) {
    return new ServiceUnavailableException(`There is no connection to be had (${cause.code}).`, { cause });
  }
  return undefined;
}
