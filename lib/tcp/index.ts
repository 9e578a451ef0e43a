export { loadKeyCert } from './key-cert.js';
export { tcpSend, tcpSendPkg, tcpSendRecv, tcpSendRecvPkg, type WithTls } from './one-shot.js';
export { PackageDecoder, type PackageDecoderOptions } from './package-decoder.js';
export type { HeaderSize, PackageFormatOptions } from './package-format.js';
export { PoolConn } from './pool-conn.js';
export { TcpConn, type TcpConnectOptions } from './tcp-conn.js';
export * from './tcp-errors.js';
export type { PackageOptions, Retry, TcpCallOptions, TcpReadOptions } from './tcp-options.js';
export { type TcpGetOptions, TcpPool } from './tcp-pool.js';
export { tcpPool, type TcpPoolDefinition } from './tcp-pool-definition.js';
export type { TcpPoolOptions } from './tcp-pool-options.js';
export type { TcpConnStatus } from './tcp-wire.js';
export {
  type TcpHandler,
  TcpServer,
  type TcpServerCloseReport,
  type TcpServerOptions,
} from './tcp-server.js';
