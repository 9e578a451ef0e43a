import { createHash } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { Address, Network } from './address.js';

/** What a connection by the network `tls` must be like. */
export interface TlsTerms {
  readonly options: ConnectionOptions;
  /** Of the address as the caller named it, whatever became of it. */
  readonly host: string;
}

/** Where a connection goes, and what makes two of them interchangeable. */
export class Target implements Address {
  // Errors and events carry it: what holds a certificate's key must not be found by whoever writes them to a log.
  readonly #id: string;
  readonly #tls: TlsTerms | undefined;

  /**
   * @param id - connections of the same are interchangeable
   * @param tls - for the network `tls`
   */
  constructor(
    readonly network: Network,
    readonly address: string,
    id: string,
    tls?: TlsTerms,
  ) {
    this.#id = id;
    this.#tls = tls;
  }

  get id(): string {
    return this.#id;
  }

  get tls(): TlsTerms | undefined {
    return this.#tls;
  }

  /** In messages. */
  toString(): string {
    return `${this.network} ${this.address}`;
  }
}

/**
 * Tells TLS options apart: a connection made without verifying the peer must never be lent to a caller who verifies.
 * What is no plain data (a secure context, a function) counts as the same only when it is the same object.
 */
export class TlsIdentity {
  private readonly known = new WeakMap<ConnectionOptions, string>();
  private readonly numbers = new WeakMap<object, number>();
  private last = 0;

  of(options: ConnectionOptions): string {
    let identity = this.known.get(options);
    if (identity === undefined) {
      identity = createHash('sha256')
        .update(JSON.stringify(this.plain(options)))
        .digest('base64');
      this.known.set(options, identity);
    }
    return identity;
  }

  private plain(value: unknown): unknown {
    if (typeof value === 'function') return this.numberOf(value);
    if (typeof value !== 'object' || value === null) return value;
    if (ArrayBuffer.isView(value)) {
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    }
    if (Array.isArray(value)) return value.map((each) => this.plain(each));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return this.numberOf(value);
    const fields = Object.entries(value).filter(([, each]) => each !== undefined);
    return fields
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, each]) => [name, this.plain(each)]);
  }

  private numberOf(value: object): string {
    let number = this.numbers.get(value);
    if (number === undefined) this.numbers.set(value, (number = this.last += 1));
    return `#${number}`;
  }
}
