import type { IncomingMessage } from 'node:http';
import { isThenable } from '../core/connector-calls.js';
import type { Position } from './box.js';
import { CloseCode } from './close-code.js';
import { ConnectionClosedError, DuplicateIdError, HubClosedError } from './hub-errors.js';
import type { RejectedEvent } from './hub-events.js';
import { positionIn } from './hello.js';
import type { Identity, ResolvedHubOptions } from './hub-options.js';
import type { Membership } from './membership.js';
import { isWebSocket, type PushTarget } from './push-target.js';

/** Who lets in. */
export interface ReceptionOwner<M> {
  readonly options: Pick<ResolvedHubOptions<M>, 'box' | 'identify' | 'verifyOrigin'>;
  add(
    id: string,
    conn: PushTarget,
    options: { meta?: M; groups?: string[]; resume?: Position },
  ): Membership<M>;
  onRejected(reason: RejectedEvent['reason'], cause: unknown): void;
}

/** Asks a connection where it comes from and who it is, and adds it to the hub or sends it away. */
export class Reception<M> {
  constructor(private readonly owner: ReceptionOwner<M>) {}

  /** What can be answered at once is: then the connection is in the hub when this returns. */
  attach(conn: PushTarget, request: IncomingMessage): Promise<Membership<M> | undefined> {
    // While a promise is awaited nobody else may listen yet.
    const stopListening = surviveErrors(conn);
    return Promise.resolve(this.receive(conn, request)).finally(stopListening);
  }

  private receive(
    conn: PushTarget,
    request: IncomingMessage,
  ): Membership<M> | undefined | Promise<Membership<M> | undefined> {
    const { verifyOrigin } = this.owner.options;
    if (verifyOrigin === undefined) return this.identify(conn, request);
    return answered(
      () => verifyOrigin(request.headers.origin, request),
      (isWelcome) => (isWelcome === true ? this.identify(conn, request) : this.refuse(conn, 'origin')),
      (cause) => this.refuse(conn, 'origin', cause),
    );
  }

  private identify(
    conn: PushTarget,
    request: IncomingMessage,
  ): Membership<M> | undefined | Promise<Membership<M> | undefined> {
    return answered(
      () => this.owner.options.identify(request),
      (identity) => this.admit(conn, identity, request.url),
      (cause) => this.refuse(conn, 'identity', cause),
    );
  }

  private admit(
    conn: PushTarget,
    identity: string | Identity<M> | undefined,
    url: string | undefined,
  ): Membership<M> | undefined {
    if (identity == null) return this.refuse(conn, 'identity');
    const { id, meta, groups } = typeof identity === 'string' ? ({ id: identity } as Identity<M>) : identity;
    try {
      const resume = this.owner.options.box === undefined ? undefined : positionIn(url);
      return this.owner.add(id, conn, { meta, groups, resume });
    } catch (cause) {
      if (cause instanceof DuplicateIdError) this.owner.onRejected('duplicate', cause);
      else if (cause instanceof ConnectionClosedError) this.owner.onRejected('closed', cause);
      else if (cause instanceof HubClosedError) this.turnAway(conn, CloseCode.GoingAway, 'closed', cause);
      else this.refuse(conn, 'identity', cause);
      return undefined;
    }
  }

  private refuse(conn: PushTarget, reason: RejectedEvent['reason'], cause?: unknown): undefined {
    this.turnAway(conn, CloseCode.Refused, reason, cause);
  }

  private turnAway(conn: PushTarget, code: number, reason: RejectedEvent['reason'], cause: unknown): void {
    surviveErrors(conn);
    try {
      if (isWebSocket(conn)) conn.close(code, reason);
      else conn.end(() => conn.destroy());
    } catch {
      // It is gone already.
    }
    this.owner.onRejected(reason, cause);
  }
}

/** Goes on with what a stranger's function gives, at once where it is no promise; whatever it throws is a refusal. */
function answered<T, R>(
  ask: () => T | Promise<T>,
  next: (answer: T) => R | Promise<R>,
  failed: (cause: unknown) => R,
): R | Promise<R> {
  let answer: T | Promise<T>;
  let isLater: boolean;
  try {
    answer = ask();
    isLater = isThenable(answer);
  } catch (cause) {
    return failed(cause);
  }
  return isLater ? Promise.resolve(answer).then(next, failed) : next(answer as T);
}

/** A connection that fails with nobody listening would end the process. */
function surviveErrors(conn: PushTarget): () => void {
  const ignore = (): void => undefined;
  conn.on('error', ignore);
  return () => void conn.off?.('error', ignore);
}
