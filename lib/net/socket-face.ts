import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { LONGEST_TIMER } from '../core/longest-timer.js';

/** A connected stream; what Node's sockets have beyond that, it may have. */
export type Conn = Duplex &
  Partial<Omit<TLSSocket, keyof Duplex>> & {
    // Newer than the types.
    setTypeOfService?(tos: number): unknown;
    getTypeOfService?(): number;
  };

/** What a pool sets on each of its sockets. */
export interface Setup {
  readonly noDelay: boolean;
  /** In milliseconds; `undefined` = off. */
  readonly keepAlive: number | undefined;
}

const OF_DATAGRAMS = { readableObjectMode: true } as const;

/**
 * The members of a connected `net.Socket` and a `tls.TLSSocket` that are the connection's own: they are passed on to it.
 * Those that have no meaning for a connection that has been made, or are deprecated, are left out: `connect()`,
 * `bufferSize`.
 */
export abstract class SocketFace extends Duplex {
  /** It is connected from the start. */
  readonly connecting = false;
  /** The connection itself; its addresses stay readable when it is given back. */
  protected abstract conn: Conn;
  /** What its user has set, by the name of the call: for the connection that may replace this one. */
  private settings: Map<string, () => void> | undefined = undefined;
  private onTimeout: (() => void) | undefined = undefined;
  /** For a connection that has no timeout of its own: of datagrams, of a `dialer`. */
  private timer: NodeJS.Timeout | undefined = undefined;
  private limit: number | undefined = undefined;

  constructor(ofDatagrams: boolean) {
    // What can be said after it: at each option that is not there Node has to look, too, and each dial makes a stream.
    super(ofDatagrams ? OF_DATAGRAMS : undefined);
    this.allowHalfOpen = false;
    holdLittle(this);
  }

  /** @internal It is closed, or about to be. */
  abstract get isOver(): boolean;

  /** As `connecting`. */
  get pending(): boolean {
    return this.connecting;
  }

  get readyState(): Socket['readyState'] {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** What `setTimeout()` has set, in milliseconds. */
  get timeout(): number | undefined {
    return this.limit;
  }

  /** As of `net.Socket`: `'timeout'` after so many milliseconds without activity; 0 = none. */
  setTimeout(ms: number, listener?: () => void): this {
    this.set('timeout', () => {
      const { conn } = this;
      this.limit = ms;
      this.onTimeout ??= () => void this.emit('timeout');
      this.stopTimer();
      conn.off('timeout', this.onTimeout);
      if (conn.setTimeout === undefined) {
        if (ms > 0) this.timer = setTimeout(this.onTimeout, Math.min(ms, LONGEST_TIMER)).unref();
        return;
      }
      conn.setTimeout(ms);
      if (ms > 0) conn.on('timeout', this.onTimeout);
    });
    if (listener !== undefined) {
      if (ms === 0) this.off('timeout', listener);
      else this.once('timeout', listener);
    }
    return this;
  }

  setKeepAlive(on?: boolean, initialDelay?: number): this {
    return this.set('keepAlive', () => void this.conn.setKeepAlive?.(on, initialDelay));
  }

  setNoDelay(on?: boolean): this {
    return this.set('noDelay', () => void this.conn.setNoDelay?.(on));
  }

  /** As of a `net.Socket` of Node 24 or later; with an older one it does nothing. */
  setTypeOfService(tos: number): this {
    return this.set('typeOfService', () => void this.conn.setTypeOfService?.(tos));
  }

  /** What `setTypeOfService()` has set; 0 where the connection has none. */
  getTypeOfService(): number {
    return this.conn.getTypeOfService?.() ?? 0;
  }

  ref(): this {
    return this.set('ref', () => void this.conn.ref?.());
  }

  unref(): this {
    return this.set('ref', () => void this.conn.unref?.());
  }

  /** Ends it, and destroys it as soon as all is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Closes it by a reset, where it is plain TCP. */
  resetAndDestroy(): this {
    if (!this.isOver) this.conn.resetAndDestroy?.();
    return this.destroy();
  }

  address(): ReturnType<Socket['address']> {
    return this.conn.address?.() ?? {};
  }

  get remoteAddress(): string | undefined {
    return this.conn.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.conn.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.conn.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.conn.localAddress;
  }

  get localPort(): number | undefined {
    return this.conn.localPort;
  }

  get localFamily(): string | undefined {
    return this.conn.localFamily;
  }

  get bytesRead(): number {
    return this.conn.bytesRead ?? 0;
  }

  get bytesWritten(): number {
    return this.conn.bytesWritten ?? 0;
  }

  /** Of TLS connections: true, as of a `tls.TLSSocket`. */
  get encrypted(): boolean {
    return this.conn.encrypted === true;
  }

  /** Of TLS connections: whether the peer's certificate was verified. */
  get authorized(): boolean {
    return this.conn.authorized === true;
  }

  /** Of TLS connections: why the peer's certificate was not accepted. */
  get authorizationError(): Error | undefined {
    return this.conn.authorizationError ?? undefined;
  }

  /** Of TLS connections: the protocol that was agreed on, false where none was. */
  get alpnProtocol(): string | false | null {
    return this.conn.alpnProtocol ?? null;
  }

  /** Of TLS connections: the name that was asked for. */
  get servername(): string | false | null {
    return (this.conn as { servername?: string | false | null }).servername ?? null;
  }

  /** Of TLS connections, as what follows: see `tls.TLSSocket`. */
  getPeerCertificate(detailed?: boolean): ReturnType<TLSSocket['getPeerCertificate']> | undefined {
    return this.conn.getPeerCertificate?.(detailed);
  }

  getCipher(): ReturnType<TLSSocket['getCipher']> | undefined {
    return this.conn.getCipher?.();
  }

  getProtocol(): string | null {
    return this.conn.getProtocol?.() ?? null;
  }

  isSessionReused(): boolean {
    return this.conn.isSessionReused?.() === true;
  }

  /** Something has been sent, or has come. */
  protected touch(): void {
    this.timer?.refresh();
  }

  protected stopTimer(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Another connection takes the place: as its user has set the one before. */
  protected applySettings(): void {
    for (const setting of this.settings?.values() ?? []) setting();
  }

  /** The connection is as its pool has set it up. */
  protected restoreSettings({ noDelay, keepAlive }: Setup): void {
    if (this.settings === undefined) return;
    this.conn.setTimeout?.(0);
    if (this.onTimeout !== undefined) this.conn.off('timeout', this.onTimeout);
    this.conn.setNoDelay?.(noDelay);
    this.conn.setKeepAlive?.(keepAlive !== undefined, keepAlive);
    if (this.settings.has('typeOfService')) this.conn.setTypeOfService?.(0);
    if (this.settings.has('ref')) this.conn.ref?.();
  }

  /** After its end the connection may be somebody else's. */
  private set(name: string, setting: () => void): this {
    if (this.destroyed || this.isOver) return this;
    setting();
    this.settings ??= new Map();
    this.settings.set(name, setting);
    return this;
  }
}

/**
 * What has come and is not read stays with the connection as far as it can: there the peer's end waits behind it, and
 * `raw()` finds it. The same as the option `readableHighWaterMark`.
 */
function holdLittle(stream: Duplex): void {
  (stream as { _readableState?: { highWaterMark: number } })._readableState!.highWaterMark = 1;
}
