import { InvalidOptionsError, type OptionProblem } from '../core/index.js';
import { isWellFormed } from './id.js';

/** The root of the errors of hubs. No id, no payload and no password is in any message. */
export abstract class ConnHubError extends Error {
  /** For `switch` and for logs: `ERR_…`. */
  abstract readonly code: string;

  constructor(
    message: string,
    /** The name of the hub it happened in. */
    readonly hub: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An id, or the name of a group, is no text of 1 to 256 characters, or holds half of a surrogate pair. */
export class InvalidIdError extends ConnHubError {
  override readonly code = 'ERR_INVALID_ID';

  constructor(hub: string, what: 'id' | 'group', given: unknown) {
    const got = typeof given === 'string' ? textGot(given) : `no text (${typeof given})`;
    super(`Hub "${hub}" takes as ${what} a text of 1 to 256 characters, but was given ${got}.`, hub);
  }
}

function textGot(given: string): string {
  return isWellFormed(given) ? `one of ${given.length}` : 'one with half of a surrogate pair';
}

/** What was pushed cannot go over the wire. `cause` is what stood in the way, where something was thrown. */
export class InvalidPayloadError extends ConnHubError {
  override readonly code = 'ERR_INVALID_PAYLOAD';

  constructor(hub: string, problem: string, options?: ErrorOptions) {
    super(
      `Hub "${hub}" cannot push this: ${problem}. Push a string, an object that JSON can hold, or bytes that are UTF-8; other bytes with "binary".`,
      hub,
      options,
    );
  }
}

/** What was pushed is larger than `maxMessageBytes`. */
export class PayloadTooLargeError extends ConnHubError {
  override readonly code = 'ERR_PAYLOAD_TOO_LARGE';

  constructor(
    hub: string,
    /** Of the payload. */
    readonly bytes: number,
    readonly maxMessageBytes: number,
  ) {
    super(
      `Hub "${hub}" pushes at most ${maxMessageBytes} bytes at once, but was given ${bytes}. Push less, or raise "maxMessageBytes".`,
      hub,
    );
  }
}

/** The connection that was added is not open. */
export class ConnectionClosedError extends ConnHubError {
  override readonly code = 'ERR_CONNECTION_CLOSED';

  constructor(hub: string) {
    super(
      `Hub "${hub}" was given a connection that is not open. Add it when it has opened, and before it closes.`,
      hub,
    );
  }
}

/** The id has a connection already and keeps it, or has as many as it may. The newer one has been closed with 4502. */
export class DuplicateIdError extends ConnHubError {
  override readonly code = 'ERR_DUPLICATE_ID';

  constructor(hub: string, most: number) {
    const held = most === 1 ? 'a connection already' : `${most} connections already, which is "maxPerId"`;
    super(
      `Hub "${hub}": the id has ${held}; the newer was closed. "onDuplicate" says what becomes of it.`,
      hub,
    );
  }
}

/** The hub is draining or closed. */
export class HubClosedError extends ConnHubError {
  override readonly code = 'ERR_HUB_CLOSED';

  constructor(hub: string) {
    super(
      `Hub "${hub}" is closed: it takes no connection any more. Add before close(), or make a new hub.`,
      hub,
    );
  }
}

/** Options of a hub, or of a call to it, are wrong; lists every bad one at once. */
export class InvalidHubOptionsError extends InvalidOptionsError {
  constructor(
    readonly hub: string,
    problems: readonly OptionProblem[],
  ) {
    super(hub, problems);
    this.message = this.message.replace(/^Pool/, 'Hub');
  }
}

/** No hub of this name is registered. */
export class UnknownHubError extends ConnHubError {
  override readonly code = 'ERR_UNKNOWN_HUB';

  constructor(
    hub: string,
    readonly known: readonly string[],
  ) {
    const names =
      known.length === 0 ? 'none is registered' : `known: ${known.map((name) => `"${name}"`).join(', ')}`;
    super(`Hub "${hub}" is not registered (${names}). Add it with ConnHubModule.forFeature().`, hub);
  }
}

/** The backplane refuses us. `cause` is what its client says. */
export class BackplaneError extends ConnHubError {
  override readonly code = 'ERR_BACKPLANE';

  constructor(hub: string, problem: string, options?: ErrorOptions) {
    super(`Hub "${hub}" cannot use its backplane: ${problem}.`, hub, options);
  }
}
