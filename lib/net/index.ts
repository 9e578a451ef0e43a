export type { Address, Network } from './address.js';
export { DatagramSocket } from './datagram-socket.js';
export type { Dialer } from './dialer.js';
export * from './net-errors.js';
export { PooledSocket } from './pooled-socket.js';
export type { SocketPoolOptions } from './socket-options.js';
export { type SocketAcquireOptions, type SocketDialOptions, SocketPool } from './socket-pool.js';
export type { IdleData } from './socket-watches.js';
