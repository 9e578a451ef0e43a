import { CLOSE_REASONS, type CloseReason } from './connector.js';

/** The counts behind `stats().totals`. */
export function noTotals() {
  return {
    acquired: 0,
    reused: 0,
    dialed: 0,
    dialFailures: 0,
    timeouts: 0,
    aborted: 0,
    refused: 0,
    lost: 0,
    heartbeats: 0,
    heartbeatFailures: 0,
    leaks: 0,
    detached: 0,
    closed: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<CloseReason, number>,
  };
}

export type Totals = ReturnType<typeof noTotals>;
