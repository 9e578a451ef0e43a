import type { Acquiring, Call, Conn } from './records.js';

/** What is worth remembering of a run besides what exists: for the invariants that count, and for those of a moment. */
export class Notes {
  /** How the acquires ended, each in one bin. */
  readonly bins = { granted: 0, timeouts: 0, aborted: 0, refused: 0, closed: 0, failed: 0 };
  readonly heartbeats: Call[] = [];
  reused = 0;
  /** Leases that were taken back before `use()` could begin its work. */
  unseen = 0;
  /** Events seen. */
  dialedEvents = 0;
  /** By the number the pool gives them. */
  readonly ids = new Map<number, Conn>();
  /** All that the connector has failed with. */
  readonly errors = new Set<unknown>();
  /** The last failure after which the pool may keep from dialling for a while. */
  troubledAt = -Infinity;
  /** The last death, which makes the others suspect. */
  suspectAt = -Infinity;
  suspectIn = -1;
  /** A dial has failed then, and none is to begin before, as an event has told. */
  failedAt = -Infinity;
  retryAt = -Infinity;
  /** The last dial that went well. */
  succeededAt = -Infinity;
  /** Those for whom the only dial there was has failed, with no other to come: they are to be told in this step. */
  hopeless: Acquiring[] = [];
  /** Of those that waited when a dial failed for good and nothing lived, the last. */
  hopelessBefore = -1;
  /** How long the event loop has stood still in the middle of a turn: so much late may everything be. */
  slack = 0;
  /** `min` is to be kept, and idle connections to be checked. */
  started = false;
  keepsMin = false;
  highestMin = 0;
  /** Leases that `tryAcquire()` has given. */
  tries = 0;
  /** Counts that warm-ups are waiting for. */
  readonly warming = new Map<object, number>();
  /** How things stood when the present step began. */
  before = { generation: 0, paused: false, over: false };
  /** What has happened in the present step. */
  happened = new Set<
    | 'together'
    | 'close'
    | 'resize'
    | 'closeIdle'
    | 'resume'
    | 'dialIfNone'
    | 'ended'
    | 'checkFailed'
    | 'dialFailed'
  >();
  /** Those who waited and were passed over in the present step, unless they hear of their own fate in it. */
  passed: Acquiring[] = [];
  /** The connections that are under way when max shrinks may exceed it, but not grow. */
  ceiling = 0;
  /** The pool is called from within what it calls. */
  nested = false;
}
