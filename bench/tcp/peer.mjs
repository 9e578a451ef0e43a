// The other side, in a process of its own: sends back what comes, or lines without end.
import { createServer } from 'node:net';

const [kind] = process.argv.slice(2);
const LINES = Buffer.from(`${'x'.repeat(60)}\n`.repeat(2000));

const serve = {
  echo: (socket) => socket.on('data', (chunk) => socket.write(chunk)),
  lines: (socket) => {
    const send = () => {
      while (socket.write(LINES));
    };
    socket.on('drain', send);
    send();
  },
}[kind];

const server = createServer({ noDelay: true }, (socket) => {
  // A client that hangs up is none of its business.
  socket.on('error', () => {});
  serve(socket);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(JSON.stringify({ port: server.address().port })));
// Whoever started it has gone.
process.stdin.resume().on('end', () => process.exit(0));
