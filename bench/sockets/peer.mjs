// The other side, in a process of its own: answers each request of `size` bytes with as many.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

const [protocol, bytes] = process.argv.slice(2);
const size = Number(bytes);
const answer = Buffer.alloc(size, 'a');

const server = protocol === 'http' ? http() : tcp();
// On every address of the machine: all of 127.0.0.0/8 leads here.
server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () =>
  process.stdout.write(JSON.stringify({ port: server.address().port })),
);
// Whoever started it has gone.
process.stdin.resume().on('end', () => process.exit(0));

function tcp() {
  return createServer({ noDelay: true }, (socket) => {
    let missing = size;
    socket.on('data', (chunk) => {
      missing -= chunk.length;
      if (missing > 0) return;
      missing += size;
      socket.write(answer);
    });
    // A client that hangs up is none of its business.
    socket.on('error', () => {});
  });
}

function http() {
  const server = createHttpServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': size });
      response.end(answer);
    });
  });
  server.keepAliveTimeout = 600_000;
  return server;
}
