import type { DialContext, HeartbeatContext, ResetContext } from './connector.js';

/** What a dial, a heartbeat or a reset is given. Its signal is made when it is asked for. */
export class CallContext<M> implements DialContext<M>, HeartbeatContext<M>, ResetContext<M> {
  readonly #call: { readonly signal: AbortSignal };

  constructor(
    call: { readonly signal: AbortSignal },
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
