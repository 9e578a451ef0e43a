import type { DialContext, HeartbeatContext, ResetContext } from './connector.js';
import type { ConnectorCall } from './connector-calls.js';

/** What a dial, a heartbeat or a reset is given. Its signal is made when it is asked for. */
export class CallContext<M> implements DialContext<M>, HeartbeatContext<M>, ResetContext<M> {
  readonly #call: ConnectorCall;

  constructor(
    call: ConnectorCall,
    readonly attempt: number,
    readonly meta: M,
    readonly pool: string,
  ) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }
}
