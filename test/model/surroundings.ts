import type { ConnPool } from 'nestjs-conn-pool/core';
import type { FakeClock } from 'nestjs-conn-pool/testing';
import type { Schedule } from './acts.js';
import type { HostileConnector } from './hostile-connector.js';
import type { Judge } from './judge.js';
import type { Conn } from './records.js';
import type { Reference } from './reference.js';

/** What everybody in one run has to do with. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly clock: FakeClock;
  readonly pool: ConnPool<Conn>;
  readonly connector: HostileConnector;
  readonly seen: Reference;
  readonly judge: Judge;
  /** How deep in callbacks of the pool. */
  readonly depth: number;
  /** Here the pool calls, and may be called from within that. */
  within(where: 'call' | 'listener' | 'event'): void;
}
