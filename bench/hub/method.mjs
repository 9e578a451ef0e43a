export const METHOD = `Each figure comes from processes of their own for each round, scenario and contender: one that pushes, which is what is measured, and one
with all the clients. The contenders of one scenario run one right after the other, in shuffled order. What pushes warms its code up, then
pushes turn after turn in several spans of time, and reports the median; the tables hold the median over the rounds, and in brackets the
lowest and the highest round. Ratios are taken within a round; their median is shown.

The clients make real upgrades and then count bytes, into one buffer for all, and sleep 1 ms between two looks at their sockets: as with
clients on another machine, whoever writes need not wake them. Where \`taskset\` is there, the process that pushes has the first core for
itself and the clients the second. Time ends when the last client has read the last byte; CPU time is that of the process that pushes.
What is to be reached is judged by CPU time, for on a machine that does other things as well the clock tells about those.
All that push run with \`--max-semi-space-size=64\`, as docs/hub.md advises: what waits for the end of a turn is not to be taken for old.
A message is ASCII text, of which there are 256. \`perMessageDeflate\` is off.

- \`ws\`: \`socket.send(text)\` of the package ws.
- \`frames\`: one \`write\` of one frame to the socket beneath ws, and nothing else: the most that can be saved with one write for
  each message.
- \`hub\`: \`push()\` or \`broadcast()\`, the next turn when the last promise of this one has resolved.
- \`socket.io\`: \`io.to(id).emit('m', text)\`, each client in a room of its own; what it adds on the wire is its own.

Memory is what the heap and its buffers hold after garbage collections. What waits does so for 10 connections that are not read, 5,000
messages for each.

Several instances: one that pushes, one with the connections, a Redis or a NATS, and the clients, on all cores. 10,000 messages are pushed
in ten turns; the next when all of them have been confirmed (hub) and read by their clients. One at a time: the next when the
client has read it.`;
