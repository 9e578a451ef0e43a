import type { Member } from './member.js';
import { inSlices } from './slices.js';

/** The limits that time sets; milliseconds, `Infinity` = none. */
export interface UpkeepLimits {
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
  readonly writeTimeout: number;
}

/** What it finds. */
export interface UpkeepFindings<M> {
  members(): readonly Member<M>[];
  onDead(member: Member<M>): void;
  onStuck(member: Member<M>): void;
}

/** Looks a few times within the shortest limit, so that none is overdrawn by much. */
const LOOKS = 4;
const SHORTEST_ROUND = 5;
const LONGEST_ROUND = 2500;

/** What time does to the connections of a hub, on one timer for all of them: pings, the dead, the stuck. */
export class Upkeep<M> {
  private timer: NodeJS.Timeout | undefined;
  private readonly period: number;

  constructor(
    private readonly limits: UpkeepLimits,
    private readonly findings: UpkeepFindings<M>,
  ) {
    const { heartbeatInterval, heartbeatTimeout, writeTimeout } = limits;
    const shortest = Math.min(heartbeatInterval, heartbeatTimeout, writeTimeout);
    this.period = Math.min(Math.max(Math.floor(shortest / LOOKS), SHORTEST_ROUND), LONGEST_ROUND);
  }

  /** Goes on until it is stopped; it holds no process open. */
  start(): void {
    this.timer ??= setTimeout(this.round, this.period).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private readonly round = (): void => {
    inSlices(
      this.findings.members(),
      (member) => this.look(member),
      () => {
        if (this.timer === undefined) return;
        this.timer = undefined;
        this.start();
      },
    );
  };

  private look(member: Member<M>): void {
    if (!member.active) return;
    // Of this no event tells, and who pushes nothing would not notice.
    if (!member.outlet.isOpen) return member.onClosing();
    const now = performance.now();
    const { limits } = this;
    if (member.outbox.isStuck(now, limits.writeTimeout)) return this.findings.onStuck(member);
    if (limits.heartbeatInterval === Infinity || member.isPaused) return;
    if (member.pingedAt !== undefined) {
      if (now - member.pingedAt >= limits.heartbeatTimeout) this.findings.onDead(member);
    } else if (now - member.heardAt >= limits.heartbeatInterval && member.ping()) {
      member.pingedAt = now;
    }
  }
}
