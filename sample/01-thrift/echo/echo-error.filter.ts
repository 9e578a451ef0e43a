import {
  type ArgumentsHost,
  BadGatewayException,
  Catch,
  HttpException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ConnPoolError } from 'nestjs-conn-pool';
import thrift from 'thrift';

const { TException } = thrift.Thrift;

/** No connection, or one that broke: 503. The Thrift service itself answered with an exception: 502. */
@Catch(ConnPoolError, TException)
export class EchoErrorFilter extends BaseExceptionFilter {
  override catch(error: Error, host: ArgumentsHost): void {
    super.catch(toHttp(error), host);
  }
}

function toHttp(error: Error): HttpException {
  if (!(error instanceof ConnPoolError)) return new BadGatewayException(`Echo failed: ${error.message}`);
  // Addresses and causes are in the log, and no business of a client.
  return new ServiceUnavailableException(`Echo is not available (${error.code}).`, { cause: error });
}
