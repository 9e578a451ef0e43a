import type { Socket } from 'node:net';
import type { ThriftProtocolClass, ThriftTransportClass } from './resolved-options.js';

/** The transport that a client writes to. */
export interface GuardedOutput {
  /** Called when a call could not be encoded: what was written of it would be sent in front of the next one. */
  halfWritten?: () => void;
}

type Receive = (data: Buffer) => void;
type Receiver = (deliver: unknown, seqid: unknown, maxMessageSize?: number) => Receive;

/**
 * The same transport, but what it cannot receive ends the socket. As the runtime has it, a frame of a negative size, or
 * any size with a limit set, would throw from a socket's listener, where nobody can catch it.
 */
export function guardedTransport(
  base: ThriftTransportClass,
  limit: number | undefined,
): ThriftTransportClass {
  const receiver = base.receiver as unknown as Receiver;
  return class GuardedTransport extends base {
    static override receiver(deliver: unknown, seqid: unknown): Receive {
      const receive = receiver.call(base, deliver, seqid, limit ?? base.DEFAULT_MAX_LENGTH);
      return function (this: Socket, data: Buffer) {
        try {
          receive(data);
        } catch (error) {
          this.destroy(error as Error);
        }
      };
    }
  };
}

/** The same protocol, but it tells when a call could not be encoded: generated code calls `reset()` then, if there is one. */
export function guardedProtocol(base: ThriftProtocolClass): ThriftProtocolClass {
  return class GuardedProtocol extends base {
    reset(): void {
      (this.getTransport() as GuardedOutput).halfWritten?.();
    }
  };
}
