import net from 'node:net';
import tls from 'node:tls';
import thrift from 'thrift';
import type { GeneratedClient } from './generated-client.js';
import type { GuardedOutput } from './guarded-wire.js';
import { ThriftConnectionError } from './thrift-errors.js';
import type { ResolvedThriftOptions } from './resolved-options.js';

/** How long a closed connection may take to send what was written before. */
const FLUSH_TIME = 1000;

/**
 * One connection: the socket, the runtime's connection on it and the generated client on that. The runtime leaves calls
 * without an answer when their connection dies; here they all reject, and later ones are refused.
 */
export class ThriftLink<T> {
  readonly client: T;
  private readonly socket: net.Socket;
  private open = false;
  private failure: ThriftConnectionError | undefined = undefined;
  private tell: ((cause: ThriftConnectionError) => void) | undefined = undefined;

  /** Begins to connect. */
  constructor(
    private readonly options: ResolvedThriftOptions<T>,
    private readonly pool: string,
  ) {
    const { target, tls: secure } = options;
    this.socket = secure === undefined ? net.connect(target) : tls.connect({ ...secure, ...target });
    // Before the runtime's own listeners: afterwards an error of the socket looks like one of its making.
    this.socket.on('error', (cause) => this.fail(this.open ? 'was lost' : 'could not be opened', cause));
    this.socket.on('end', () => this.fail('was closed by the server'));
    try {
      this.client = this.attach();
    } catch (error) {
      this.socket.destroy();
      throw error;
    }
    this.socket.on('close', () => this.fail('was closed'));
  }

  get alive(): boolean {
    return this.failure === undefined;
  }

  /** Resolves once calls can be made. However it rejects, the socket is gone. */
  opened(signal: AbortSignal): Promise<void> {
    const { connectTimeout } = this.options;
    return new Promise((resolve, reject) => {
      const late = (): void => this.fail(`could not be opened within ${connectTimeout} ms`);
      const aborted = (): void => this.fail('is not needed any more', signal.reason);
      const timer = setTimeout(late, connectTimeout);
      const settled = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.tell = undefined;
      };
      this.tell = (cause) => {
        settled();
        reject(cause);
      };
      signal.addEventListener('abort', aborted);
      this.socket.once(this.options.tls === undefined ? 'connect' : 'secureConnect', () => {
        settled();
        this.open = true;
        resolve();
      });
    });
  }

  /** Calls back once, when the connection dies; returns what stops that. */
  watch(lost: (cause: ThriftConnectionError) => void): () => void {
    if (this.failure !== undefined) lost(this.failure);
    else this.tell = lost;
    return () => (this.tell = undefined);
  }

  /** Rejects the calls in flight, sends what was written, and ends the socket; never waits for the server. */
  close(reason: string): Promise<void> {
    return new Promise((resolve) => {
      this.failure ??= this.error(`was closed by its pool (${reason})`);
      this.rejectCalls(this.failure);
      if (this.socket.closed) return resolve();
      const timer = setTimeout(() => this.socket.destroy(), FLUSH_TIME);
      this.socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.socket.destroySoon();
    });
  }

  private attach(): T {
    const { service, transport, protocol } = this.options;
    // None of the runtime's other options: with them it would dial again by itself, or leave sockets half open.
    const connection = new thrift.Connection(this.socket, { transport, protocol });
    connection.on('error', (cause) => this.fail('received what cannot be decoded', cause));
    // The runtime's own would keep calls in a queue that nobody ever sends.
    connection.write = (data) => {
      if (this.failure !== undefined) throw this.failure;
      this.socket.write(data);
    };
    const client: unknown = thrift.createClient(service as thrift.TClientConstructor<unknown>, connection);
    ((client as GeneratedClient).output as GuardedOutput).halfWritten = () =>
      this.fail('was given up, because a call on it could not be encoded and is half written');
    return client as T;
  }

  private fail(happened: string, cause?: unknown): void {
    if (this.failure !== undefined) return;
    const failure = (this.failure = this.error(happened, cause));
    this.socket.destroy();
    this.rejectCalls(failure);
    this.tell?.(failure);
  }

  private rejectCalls(failure: ThriftConnectionError): void {
    const client = this.client as GeneratedClient;
    const calls = Object.values(client._reqs);
    client._reqs = {};
    for (const settle of calls) settle(failure);
  }

  private error(happened: string, cause?: unknown): ThriftConnectionError {
    const options = cause === undefined ? undefined : { cause };
    return new ThriftConnectionError(this.pool, this.options.address, happened, options);
  }
}
