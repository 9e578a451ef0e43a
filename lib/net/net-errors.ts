import { ConnPoolError } from '../core/index.js';

/** An error that concerns one address. */
abstract class AddressError extends ConnPoolError {
  constructor(
    message: string,
    pool: string,
    readonly network: string,
    readonly address: string,
    options?: ErrorOptions,
  ) {
    super(message, pool, options);
  }
}

/** No such network. Nothing was dialled. */
export class UnsupportedNetworkError extends AddressError {
  override readonly code = 'ERR_UNSUPPORTED_NETWORK';

  constructor(pool: string, network: unknown, address: unknown, known: readonly string[]) {
    const given = typeof network === 'string' ? `"${network}"` : 'that is no text';
    const to = typeof address === 'string' ? address : 'nowhere';
    super(
      `Pool "${pool}" cannot dial ${to} by the network ${given}: it knows ${known.join(', ')}.`,
      pool,
      String(network),
      String(address),
    );
  }
}

/** The address is malformed. Nothing was dialled. */
export class InvalidAddressError extends AddressError {
  override readonly code = 'ERR_INVALID_ADDRESS';

  constructor(pool: string, network: string, address: unknown, allowed: string, act = 'dial') {
    const given = typeof address === 'string' ? JSON.stringify(address) : 'without an address';
    super(
      `Pool "${pool}" cannot ${act} ${network} ${given}; allowed: ${allowed}.`,
      pool,
      network,
      String(address),
    );
  }
}

/** `get()` found no idle connection for the address; it never dials. */
export class ConnNotAvailableError extends AddressError {
  override readonly code = 'ERR_CONN_NOT_AVAILABLE';

  constructor(pool: string, network: string, address: string) {
    super(
      `Pool "${pool}" has no idle connection to ${network} ${address}. get() never dials: use dial().`,
      pool,
      network,
      address,
    );
  }
}

/** `add()` or `put()`: as many connections are idle as may be. The socket stays open and the caller's. */
export class PoolFullError extends AddressError {
  override readonly code = 'ERR_POOL_FULL';

  constructor(pool: string, network: string, address: string, maxIdle: number) {
    super(
      `Pool "${pool}" keeps no more idle connections to ${network} ${address} (maxIdle: ${maxIdle}). ` +
        'The socket is yours still: close it, or raise "maxIdle".',
      pool,
      network,
      address,
    );
  }
}

/** The connection is closed, or the caller's own since `raw()`. */
export class ConnClosedError extends AddressError {
  override readonly code = 'ERR_CONN_CLOSED';

  constructor(pool: string, network: string, address: string, what: string) {
    super(
      `${what}: this connection of pool "${pool}" to ${network} ${address} is closed already. Dial a new one.`,
      pool,
      network,
      address,
    );
  }
}

/** The peer has closed the connection: what is written goes nowhere. */
export class PeerGoneError extends AddressError {
  override readonly code = 'EPIPE';

  constructor(pool: string, network: string, address: string) {
    super(
      `The connection of pool "${pool}" to ${network} ${address} is closed by its peer: what is written goes nowhere. Dial a new one.`,
      pool,
      network,
      address,
    );
  }
}

/** `raw()` has been called before: the socket is the caller's. */
export class RawTakenError extends AddressError {
  override readonly code = 'ERR_CONN_RAW_TAKEN';

  constructor(pool: string, network: string, address: string) {
    super(
      `The socket of pool "${pool}" to ${network} ${address} was taken by raw() before: use what that gave.`,
      pool,
      network,
      address,
    );
  }
}

/** `raw()` while written bytes have not been handed to the socket: they would be lost. */
export class ConnBusyError extends AddressError {
  override readonly code = 'ERR_CONN_BUSY';

  constructor(pool: string, network: string, address: string) {
    super(
      `The connection of pool "${pool}" to ${network} ${address} has writes pending. Wait for them before raw().`,
      pool,
      network,
      address,
    );
  }
}

/**
 * The peer had closed a reused connection before it answered the first byte, and what was written may not be written
 * twice without the caller's leave. Nothing says that the peer has read it; it is safe to send again what may be sent
 * twice, on a new connection.
 */
export class StaleConnectionError extends AddressError {
  override readonly code = 'ERR_STALE_CONNECTION';
  /** A new dial may well succeed. */
  readonly retryable = true;

  constructor(pool: string, network: string, address: string, options?: ErrorOptions) {
    super(
      `The reused connection of pool "${pool}" to ${network} ${address} was closed by the peer before it answered. ` +
        'Dial again and send once more, or allow that with "replay".',
      pool,
      network,
      address,
      options,
    );
  }
}

/** The deadline of `setDeadline()` has passed. The connection is closed, for an answer may come yet. */
export class SocketDeadlineError extends AddressError {
  override readonly code = 'ETIMEDOUT';

  constructor(pool: string, network: string, address: string) {
    super(
      `The deadline of the connection of pool "${pool}" to ${network} ${address} has passed: it is closed, for an answer may come yet. Allow more time, or see why the peer is slow.`,
      pool,
      network,
      address,
    );
  }
}
