import { ConnPoolError, InvalidOptionsError, type OptionProblem } from '../core/index.js';

/**
 * A Thrift connection could not be opened, was lost, or is closed. Calls that were in flight reject with it, and so do
 * calls made after. `cause` is what the socket or the Thrift runtime said, where it said something.
 */
export class ThriftConnectionError extends ConnPoolError {
  override readonly code = 'ERR_THRIFT_CONNECTION';

  constructor(
    pool: string,
    /** `host:port`, or the path of the Unix socket. */
    readonly address: string,
    /** What happened to it, with its verb: "was lost". */
    happened: string,
    options?: ErrorOptions,
  ) {
    super(`Thrift connection to ${address} ${happened}${because(options?.cause)}.`, pool, options);
  }
}

/** `thriftConnector()` was given bad options; lists every bad field at once. */
export class InvalidThriftOptionsError extends InvalidOptionsError {
  constructor(problems: readonly OptionProblem[]) {
    // No pool has a name yet when a connector is made.
    super('thriftConnector()', problems);
    const [, ...lines] = this.message.split('\n');
    const count = problems.length === 1 ? 'a bad option' : `${problems.length} bad options`;
    this.message = [`thriftConnector() was given ${count}:`, ...lines].join('\n');
  }
}

function because(cause: unknown): string {
  const text = textOf(cause);
  return text === '' ? '' : `: ${text}`;
}

/** A host with several addresses fails with one error that holds the others and has no message of its own. */
function textOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return cause === undefined ? '' : String(cause);
  const { message, errors } = cause as { message?: string; errors?: unknown[] };
  if (message !== undefined && message !== '') return message;
  return Array.isArray(errors) ? errors.map(textOf).join('; ') : '';
}
