import thrift from 'thrift';
import type { GeneratedClient } from './generated-client.js';

/** No service has a method of this name. */
const METHOD = '__hb';

type Probed = GeneratedClient & { recv___hb?: typeof receiveAnswer };

/** Asks for a method that does not exist: a server that answers so much as "unknown method" is alive. */
export function probe(client: GeneratedClient): Promise<void> {
  return new Promise((resolve, reject) => {
    (client as Probed).recv___hb ??= receiveAnswer;
    client._seqid = client.new_seqid();
    client._reqs[client._seqid] = (error) => (error === undefined ? resolve() : reject(error));
    const output = new client.pClass(client.output);
    output.writeMessageBegin(METHOD, thrift.Thrift.MessageType.CALL, client._seqid);
    output.writeStructBegin(METHOD);
    output.writeFieldStop();
    output.writeStructEnd();
    output.writeMessageEnd();
    client.output.flush();
  });
}

/** The runtime looks for a client's method of this kind to read the answer with. */
function receiveAnswer(this: GeneratedClient, input: thrift.TProtocol, _type: number, seqid: number): void {
  const settle = this._reqs[seqid];
  delete this._reqs[seqid];
  input.skip(thrift.Thrift.Type.STRUCT);
  input.readMessageEnd();
  settle?.(undefined);
}
