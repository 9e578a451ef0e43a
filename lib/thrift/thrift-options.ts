import type { ConnectionOptions } from 'node:tls';
import type { Duration } from '../core/index.js';

/** What the Thrift compiler generates for a service: its module, or the `Client` class in it. */
export type ThriftService<T> = { Client: new (...args: never[]) => T } | (new (...args: never[]) => T);

/** A transport or protocol class of the `thrift` package, or one in its likeness. */
export type ThriftClass = new (...args: never[]) => object;

/** The methods of a client that can be called without an argument. */
export type ThriftMethodName<T> = {
  [K in keyof T]: T[K] extends () => unknown ? K : never;
}[keyof T] &
  string;

/** How a heartbeat asks: a call of the service, or the name of a method without arguments. */
export type ThriftPing<T> = ThriftMethodName<T> | ((client: T) => unknown);

/** Where a Thrift service is and what it speaks. Either `port`, with or without `host`, or `path`. */
export interface ThriftConnectorOptions<T> {
  /** The generated service. Its methods must give promises: `thrift --gen js:node,ts,es6`. */
  service: ThriftService<T>;
  /** Default `'localhost'`. */
  host?: string;
  port?: number;
  /** A Unix socket, instead of `host` and `port`. */
  path?: string;
  /** Must be the server's: nothing is negotiated. Default `'buffered'`, as in the Thrift runtime. */
  transport?: 'buffered' | 'framed' | ThriftClass;
  /** Must be the server's. Default `'binary'`, as in the Thrift runtime. */
  protocol?: 'binary' | 'compact' | 'json' | ThriftClass;
  /** TLS, with Node's defaults or with these options. Default: none. */
  tls?: boolean | ConnectionOptions;
  /** For TCP and, with `tls`, its handshake. Above 0 and finite; a pool's `dialTimeout` counts as well. Default `'5s'`. */
  connectTimeout?: Duration;
  /**
   * Proves that the server answers; throw or reject = it does not. Default: a call of a method no service has, which every
   * server answers with "unknown method".
   */
  ping?: ThriftPing<T>;
  /**
   * A longer message kills its connection. In bytes; `Infinity` = any length. Default: what the transport allows a server to receive
   * (framed 16,384,000, buffered 100 MiB with Thrift 0.24; earlier runtimes know no limit).
   */
  maxMessageSize?: number;
}
