import { readFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Connector } from 'nestjs-conn-pool/core';
import { thriftConnector } from 'nestjs-conn-pool/thrift';
import * as Depot from '../thrift/gen/Depot.js';
import { lineConnector, type LineConn } from './line-connector.js';

export interface Target {
  host: string;
  port: number;
  tls?: ConnectionOptions;
  lookup?: LookupFunction;
}

/** A protocol: its server's program, the connector to it, and one call. */
export interface Peer<T = unknown> {
  readonly script: string;
  connector(target: Target): Connector<T>;
  echo(conn: T, text: string): Promise<string>;
}

const linePeer: Peer<LineConn> = {
  script: 'line-server',
  connector: (target) => lineConnector(target),
  echo: (conn, text) => conn.ask(`echo ${text}`),
};

/** The same, but its sockets close only when they are told to: a FIN of the server is no more than an `end`. */
const halfOpenPeer: Peer<LineConn> = {
  ...linePeer,
  connector: (target) => lineConnector({ ...target, allowHalfOpen: true }),
};

const thriftPeer: Peer<Depot.Client> = {
  script: 'thrift-server',
  connector: ({ lookup, tls, ...target }) =>
    thriftConnector({ service: Depot, ...target, ...(tls && { tls: { ...tls, lookup } }) }),
  echo: (client, text) => client.echo(text),
};

export const TCP: [string, Peer] = ['plain TCP', linePeer];
export const HALF_OPEN: [string, Peer] = ['plain TCP, half open', halfOpenPeer];
export const THRIFT: [string, Peer] = ['Thrift', thriftPeer];

/** For `describe.each`. */
export const PEERS = [TCP, THRIFT];

/** The same for whoever takes a connection that is open for one that works. */
export function withoutHeartbeat<T>(peer: Peer<T>): Peer<T> {
  return { ...peer, connector: (target) => ({ ...peer.connector(target), heartbeat: undefined }) };
}

/** The authority that has signed the trusted certificate. */
export const ca = readFileSync(new URL('../thrift/tls/ca.pem', import.meta.url), 'utf8');
