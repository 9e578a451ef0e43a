export { FakeClock } from './fake-clock.js';
export {
  type FakeBehavior,
  type FakeCall,
  FakeCallError,
  type FakeControl,
  type FakeGate,
} from './fake-call.js';
export { FakeConn, FakeOwnershipError, type FakeViolation } from './fake-conn.js';
export { fakeConnector, type FakeConnector, type FakeConnectorOptions } from './fake-connector.js';
export { fakePool } from './fake-pool.js';
