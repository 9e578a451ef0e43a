import { registerAs } from '@nestjs/config';

/** Where the Thrift server is: `THRIFT_HOST` and `THRIFT_PORT`. */
export const thriftConfig = registerAs('thrift', () => ({
  host: process.env.THRIFT_HOST ?? '127.0.0.1',
  port: Number(process.env.THRIFT_PORT ?? 9090),
}));
