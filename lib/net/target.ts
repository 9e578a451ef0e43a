import type { ConnectionOptions } from 'node:tls';
import { type Network } from './address.js';

/** Where a connection goes, and what makes two of them interchangeable. */
export interface Target {
  readonly network: Network;
  readonly address: string;
  /** The host the caller named, for the TLS handshake. */
  readonly servername: string | undefined;
  readonly tls: ConnectionOptions | undefined;
  readonly id: string;
  /** In messages. */
  toJSON(): string;
}

/**
 * Tells TLS options apart: a connection made without verifying the peer must never be lent to a caller who verifies.
 * What is no plain data (a secure context, a function) counts as the same only when it is the same object.
 */
export class TlsIdentity {
  private readonly numbers = new WeakMap<object, number>();
  private last = 0;

  of(options: ConnectionOptions): string {
    return JSON.stringify(this.plain(options));
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
