export { ConnPoolOtelModule, type ConnPoolOtelOptionsFactory } from './conn-pool-otel.module.js';
export { MissingOtelFactoryError } from './otel-errors.js';
export type { ConnPoolOtelOptions } from './otel-options.js';
