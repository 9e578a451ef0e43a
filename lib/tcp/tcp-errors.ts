import { errorText } from '../core/error-text.js';
import { ConnPoolError, InvalidOptionsError, type OptionProblem } from '../core/index.js';

/** Which connection an error is about. */
export interface Where {
  /** The name of its pool; `''` when it belongs to none. */
  readonly pool: string;
  /** Of the peer: `host:port`. */
  readonly address: string;
}

const NO_DATA = Buffer.alloc(0);

/** An error of one connection. Its `pool` is `''` when the connection belongs to none. */
abstract class TcpError extends ConnPoolError {
  /** Of the peer: `host:port`. */
  readonly address: string;

  /** Each connection has a `Where` of its own. */
  readonly #where: Where;

  constructor(message: string, where: Where, options?: ErrorOptions) {
    super(message, where.pool, options);
    this.address = where.address;
    this.#where = where;
  }

  /** @internal It is about this very connection, not about another to the same address. */
  isAbout(where: Where): boolean {
    return this.#where === where;
  }
}

/** What somebody has thrown is an error of this very connection. */
export function isErrorOf(where: Where, error: unknown): boolean {
  return error instanceof TcpError && error.isAbout(where);
}

/** The peer has ended its side before what was to be read had come. */
export class EofError extends TcpError {
  override readonly code = 'ERR_EOF';

  constructor(
    where: Where,
    /** What came before the end: of a package, its data without the header. */
    readonly data: Buffer = NO_DATA,
    /** The end came in the middle of what was to be read. */
    readonly truncated: boolean = data.length > 0,
  ) {
    const when = truncated
      ? `after ${data.length} bytes of what was to be read`
      : 'before anything more came';
    super(`The peer ended ${named(where)} ${when}. Connect again.`, where);
  }
}

/** The deadline or the `timeout` of a call has passed. The connection stays open. */
export class TcpTimeoutError extends TcpError {
  override readonly code = 'ETIMEDOUT';

  constructor(
    where: Where,
    /** What was going on: `'connect'`, `'send'` or `'receive'`. */
    readonly phase: 'connect' | 'send' | 'receive',
    /** What came before the deadline. */
    readonly data: Buffer = NO_DATA,
  ) {
    const after = phase === 'receive' ? ` after ${data.length} bytes` : '';
    super(
      `The deadline to ${phase} on ${named(where)} has passed${after}. Allow more time, or see why the peer is slow.`,
      where,
    );
  }
}

/** The connection broke. `code` is that of its `cause`, such as `'ECONNRESET'`; `'ERR_CONN_LOST'` when that has none. */
export class TcpConnLostError extends TcpError {
  override readonly code: string;

  constructor(
    where: Where,
    cause: unknown,
    /** What came before, of what was to be read. */
    readonly data: Buffer = NO_DATA,
  ) {
    super(`${capital(named(where))} broke: ${errorText(cause)}. Connect again.`, where, { cause });
    this.code = codeOf(cause) ?? 'ERR_CONN_LOST';
  }
}

/** No connection could be made. `code` is that of its `cause`, such as `'ECONNREFUSED'`. */
export class TcpDialError extends TcpError {
  override readonly code: string;

  constructor(where: Where, cause: unknown) {
    super(
      `${where.address} could not be connected to: ${errorText(cause)}. Check that the server is up and accepts connections.`,
      where,
      { cause },
    );
    this.code = codeOf(cause) ?? 'ERR_DIAL';
  }
}

/** A line, or what ends with a delimiter, is longer than allowed. The connection is unfit: close it. */
export class LineTooLongError extends TcpError {
  override readonly code = 'ERR_LINE_TOO_LONG';

  constructor(
    where: Where,
    readonly maxBytes: number,
  ) {
    super(
      `No end of a line came within ${maxBytes} bytes on ${named(where)}, which is unfit now: close it, or allow more with "maxBytes".`,
      where,
    );
  }
}

/** What was to be sent does not fit into a package. Nothing was sent. */
export class PackageTooLargeError extends TcpError {
  override readonly code = 'ERR_PACKAGE_TOO_LARGE';

  constructor(
    where: Where,
    /** Of the data, in bytes. */
    readonly length: number,
    readonly maxDataSize: number,
  ) {
    super(
      `A package of ${length} bytes was not sent${on(where)}: at most ${maxDataSize} are allowed. ` +
        'Raise "maxDataSize" or "headerSize", on both sides.',
      where,
    );
  }
}

/** The peer announces a package that is longer than allowed. Its data is not read: the connection is unfit, close it. */
export class InvalidPackageSizeError extends TcpError {
  override readonly code = 'ERR_INVALID_PACKAGE_SIZE';

  constructor(
    where: Where,
    /** As announced, in bytes. */
    readonly length: number,
    readonly maxDataSize: number,
  ) {
    super(
      `A package of ${length} bytes was announced${on(where)}, and at most ${maxDataSize} are allowed. ` +
        'The connection is unfit now: close it, and see that both sides have the same "headerSize" and "maxDataSize".',
      where,
    );
  }
}

/** The connection was closed by its user, or by its pool. */
export class TcpConnClosedError extends TcpError {
  override readonly code = 'ERR_CONN_CLOSED';

  constructor(where: Where, options?: ErrorOptions) {
    super(`${capital(named(where))} is closed. Connect again, or get another from the pool.`, where, options);
  }
}

/** An exchange before this one was given up: its answer may come yet, and would be taken for this one's. */
export class OutOfStepError extends TcpError {
  override readonly code = 'ERR_OUT_OF_STEP';

  constructor(where: Where) {
    super(
      `An exchange on ${named(where)} was given up, and its answer would be taken for that of the next. Close the connection.`,
      where,
    );
  }
}

/** Options of a call are wrong; lists every bad field at once. No byte was sent. */
export class InvalidTcpOptionsError extends InvalidOptionsError {
  constructor(what: string, { pool }: Pick<Where, 'pool'>, problems: readonly OptionProblem[]) {
    super(pool, problems);
    const [, ...lines] = this.message.split('\n');
    const count = problems.length === 1 ? 'a bad option' : `${problems.length} bad options`;
    this.message = [`${what} was given ${count}:`, ...lines].join('\n');
  }
}

/** The server is not ready to do what it was asked for. */
export class TcpServerError extends ConnPoolError {
  override readonly code = 'ERR_TCP_SERVER';

  constructor(
    /** Where it listens, or was to. */
    readonly address: string,
    happened: string,
    options?: ErrorOptions,
  ) {
    super(`The server at ${address} ${happened}.`, '', options);
  }
}

function named({ pool, address }: Where): string {
  return `the connection${pool === '' ? '' : ` of pool "${pool}"`} to ${address}`;
}

/** A decoder has no connection. */
function on(where: Where): string {
  return where.address === '' ? '' : ` on ${named(where)}`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function codeOf(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
