import type { LatencyReading, LatencyView } from './latency-reading.js';

/** What is noted of a pool at a look. */
export interface Load {
  readonly leased: number;
  readonly waiting: number;
  readonly max: number;
}

/** One point of a pool's charts: the most seen in use and in line since the last, and percentiles of late in milliseconds. */
export interface PoolPoint extends Load {
  readonly wait?: LatencyView;
  readonly dial?: LatencyView;
  /** Whether the pool measures at all. */
  readonly measured: boolean;
}

/** One point of a hub's charts. */
export interface HubPoint {
  readonly connections: number;
  readonly queued: number;
}

/** One point of all charts. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly pools: Readonly<Record<string, PoolPoint>>;
  readonly hubs: Readonly<Record<string, HubPoint>>;
}

/** Between two points at least. Milliseconds. */
export const POINT_EVERY = 2000;
/** What charts show. Milliseconds. */
export const COURSE_LENGTH = 5 * 60_000;

/** The last minutes, as far as somebody watched: what a new viewer's charts begin with. */
export class Course {
  private points: Point[] = [];

  add(point: Point): void {
    const oldest = point.at - COURSE_LENGTH;
    this.points = [...this.points.filter(({ at }) => at >= oldest), point];
  }

  /** Oldest first. */
  since(oldest: number): readonly Point[] {
    return this.points.filter(({ at }) => at >= oldest);
  }
}

/** The highest numbers that looks have shown between two points: what they have seen must not fall through. */
export class Peaks {
  private readonly highest = new Map<string, Load>();

  note(name: string, { leased, waiting, max }: Load): void {
    const so = this.highest.get(name);
    this.highest.set(name, {
      leased: Math.max(leased, so?.leased ?? 0),
      waiting: Math.max(waiting, so?.waiting ?? 0),
      max,
    });
  }

  /** What has been noted since the last call, by name. */
  take(): Map<string, Load> {
    const taken = new Map(this.highest);
    this.highest.clear();
    return taken;
  }
}

export function poolPoint(peak: Load, reading: LatencyReading | undefined): PoolPoint {
  return { ...peak, ...reading, measured: reading !== undefined };
}
