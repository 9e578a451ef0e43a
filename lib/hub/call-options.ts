import * as v from 'valibot';
import { readFields } from '../core/fields.js';
import type { OptionProblem } from '../core/index.js';
import { optionProblems } from '../core/options.js';
import { signalProblems } from '../core/signal-problems.js';
import type { Position } from './box.js';
import { CloseCode } from './close-code.js';
import { InvalidHubOptionsError, InvalidIdError } from './hub-errors.js';
import { isId } from './id.js';
import { isDuplex, isWebSocket } from './push-target.js';

/** What is said with a connection that is added. */
export interface AddOptions<M = unknown> {
  /** The application's own: on the membership, and in `presence()`. */
  meta?: M;
  /** It is in these groups from the beginning. */
  groups?: readonly string[];
  /**
   * In a hub with a box: where the client says that it stands. It is sent all that it missed since, or told that this cannot
   * be; so also when there is no such position. `{ offset: 0 }` = all there ever was.
   */
  resume?: Position;
}

/** How one push differs from the others. */
export interface PushOptions {
  /** Resolves at the client's acknowledgement. Default false. */
  ack?: boolean;
  /** With `slowConsumer: 'conflate'`: a newer message of the same key makes this one worthless. */
  key?: string;
  /** One BINARY frame, as the bytes are. Default false. */
  binary?: boolean;
  /** Takes the message out of the queue, if it still waits there, and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Who a broadcast goes to. */
export interface BroadcastOptions {
  /** Only to this group. Default: everybody. */
  group?: string;
  /** Not to these ids. */
  except?: readonly string[];
  /** Only to this instance. Default false. */
  local?: boolean;
  /** One BINARY frame, as the bytes are. Default false. */
  binary?: boolean;
}

/** What those hear who are thrown out. */
export interface KickOptions {
  /** 1000, or from 3000 to 4999. Default 4503. */
  code?: number;
  /** At most 123 bytes. Default `'kicked'`. */
  reason?: string;
}

const flag = v.optional(v.custom<boolean>((value) => typeof value === 'boolean', 'true or false'));
const text = v.optional(v.custom<string>((value) => typeof value === 'string', 'a text'));
const texts = v.optional(
  v.custom<string[]>(
    (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
    'an array of texts',
  ),
);

/** What WebSockets allow an application to say. */
const code = v.custom<number>(
  (value) =>
    value === 1000 || (Number.isInteger(value) && (value as number) >= 3000 && (value as number) < 5000),
  '1000, or a whole number from 3000 to 4999',
);
const reason = v.custom<string>(
  (value) => typeof value === 'string' && Buffer.byteLength(value) <= 123,
  'a text of at most 123 bytes',
);

/** A client may say anything; only what cannot be a position at all is the application's own mistake. */
const resume = v.optional(
  v.custom<Position>((value) => {
    try {
      const { epoch, offset } = value as Position;
      return typeof offset === 'number' && (epoch === undefined || typeof epoch === 'string');
    } catch {
      return false;
    }
  }, 'a position: { epoch?: text, offset: number }'),
);

const ADD = { meta: v.optional(v.unknown()), groups: texts, resume };
const PUSH = { ack: flag, key: text, binary: flag };
const BROADCAST = { group: text, except: texts, local: flag, binary: flag };
const KICK = { code: v.optional(code), reason: v.optional(reason) };

const UNTOLD: readonly string[] = ['group', 'groups', 'except', 'key', 'reason'];

/** Reads what is said with one call. @throws InvalidOptionsError with everything that is wrong */
export class CallOptions {
  constructor(private readonly hub: string) {}

  /** @throws InvalidIdError */
  checkId(what: 'id' | 'group', given: unknown): void {
    if (!isId(given)) throw new InvalidIdError(this.hub, what, given);
  }

  checkTarget(conn: unknown): void {
    if (isWebSocket(conn) || isDuplex(conn)) return;
    this.refuse('conn', conn, 'a WebSocket of the package ws, or a Duplex');
  }

  refuse(path: string, given: unknown, allowed: string): never {
    throw new InvalidHubOptionsError(this.hub, [{ path, given, allowed }]);
  }

  add<M>(given: AddOptions<M>): AddOptions<M> {
    return this.read(given, ADD);
  }

  push(given: PushOptions): PushOptions {
    return this.read(given, PUSH, { signal: signalProblems });
  }

  broadcast(given: BroadcastOptions): BroadcastOptions {
    return this.read(given, BROADCAST);
  }

  kick(given: KickOptions): Required<KickOptions> {
    const { code = CloseCode.Kicked, reason = 'kicked' } = this.read(given, KICK);
    return { code, reason };
  }

  private read<O extends object>(
    given: O,
    fields: v.ObjectEntries,
    others: Record<string, (value: unknown) => OptionProblem[]> = {},
  ): Partial<O> {
    const { fields: read, problems } = readFields(given, [...Object.keys(fields), ...Object.keys(others)]);
    problems.push(...optionProblems(fields, read as Record<string, unknown>));
    for (const [name, check] of Object.entries(others)) {
      problems.push(...check((read as Record<string, unknown>)[name]));
    }
    if (problems.length > 0) throw new InvalidHubOptionsError(this.hub, problems.map(withoutIds));
    return read;
  }
}

/** Of what may be an id, or what is said to people, only the kind is told. */
function withoutIds(problem: OptionProblem): OptionProblem {
  const { path, given, allowed } = problem;
  if (!UNTOLD.includes(path)) return problem;
  return { path, allowed: `got something of the type ${typeof given}; allowed: ${allowed}` };
}
