export { InvalidThriftOptionsError, ThriftConnectionError } from './thrift-errors.js';
export { thriftConnector } from './thrift-connector.js';
export type {
  ThriftClass,
  ThriftConnectorOptions,
  ThriftMethodName,
  ThriftPing,
  ThriftService,
} from './thrift-options.js';
