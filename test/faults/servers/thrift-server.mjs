import { createRequire } from 'node:module';
import thrift from 'thrift';
import { openFront } from './front.mjs';
import { given } from './orders.mjs';
import { CERTIFICATES } from './secured.mjs';

thrift.setLogLevel('info');

const require = createRequire(import.meta.url);
const { Processor } = require('../../thrift/gen/Depot.js');

const handler = { echo: async (text) => text };
const options = {
  transport: thrift.TBufferedTransport,
  protocol: thrift.TBinaryProtocol,
  ...(given.certificate && { tls: CERTIFICATES[given.certificate] }),
};
openFront(thrift.createServer(Processor, handler, options), given);
