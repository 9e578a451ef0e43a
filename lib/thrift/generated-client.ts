import type thrift from 'thrift';

/** What the runtime does with the answer to one call. */
export type Settle = (error: unknown, result?: unknown) => void;

/** What every generated client has beneath its service's methods. */
export interface GeneratedClient {
  readonly output: thrift.TTransport;
  readonly pClass: new (transport: thrift.TTransport) => thrift.TProtocol;
  /** Of the last call. */
  _seqid: number;
  /** The calls in flight, by sequence id. */
  _reqs: Record<number, Settle>;
  new_seqid(): number;
}
