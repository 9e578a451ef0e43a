import dgram from 'node:dgram';
import { given, listening, obey } from './orders.mjs';

/** A name server that says nothing, and when it is told to serve, that every name is 127.0.0.1. */
const socket = dgram.createSocket('udp4');
let manner = { name: 'mute' };
socket.on('message', (query, { port, address }) => {
  if (manner.name === 'serve') socket.send(answerTo(query), port, address);
});

function answerTo(query) {
  const questionEnd = query.indexOf(0, 12) + 5;
  const asksForIPv4 = query.readUInt16BE(questionEnd - 4) === 1;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(asksForIPv4 ? 1 : 0, 6);
  // No additional records, whatever the query had.
  header.writeUInt32BE(0, 8);
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1];
  return Buffer.concat([header, query.subarray(12, questionEnd), Buffer.from(asksForIPv4 ? record : [])]);
}

obey({
  listen: () => listening(socket, (done) => socket.bind(given.port, given.host, done)),
  treat: ({ manner: next }) => void (manner = next),
});
