/** How the figures of sockets come about. */
export const METHOD = `Each figure comes from two processes of their own, a server and a client, one pair for each round, scenario and contender. The
contenders of one scenario run one right after the other, in shuffled order. A client warms its code up, then counts what its
workers complete in several spans of time, without ever stopping them, and reports the median; the tables hold the median over
the rounds, and in brackets the lowest and the highest round. Ratios are taken within a round; their median is shown. Both
processes run on one machine, over the loopback interface. All clients start with an old generation of 256 MiB
(\`--initial-old-space-size\`), as an application has after a while: V8 marks a heap that is nearly empty over and over.
In the round trips both processes keep the memory that glibc has (\`MALLOC_ARENA_MAX\`, \`MALLOC_TRIM_THRESHOLD_\`,
\`MALLOC_TOP_PAD_\`): giving it back to the system and taking it again made the rates of one and the same contender, at 16 KiB,
differ by a half from process to process.

- \`raw\`: one socket for each worker, kept open, with one listener for its data and a promise for each round trip.
- \`async\`: the same in an async function that waits for what is there already: the least that it costs to be given a socket
  by a promise.
- \`acquire\`: \`acquire()\`, the same on the socket it lends, \`release()\`. The listener is put on, and taken off, each time.
  The sockets of a pool are read into one buffer, where Node allocates 64 KiB for each read of \`raw\`: what the pool costs
  it partly saves there.
- \`duplex\`: as \`async\`, through a bare \`Duplex\` that is made for each round trip and destroyed after it: the least that it
  costs to be given a stream of one's own.
- \`dial\`: \`dial()\`, the same on the socket it gives, \`close()\`.
- \`connect\`: a new connection for each round trip.
- \`http-agent\`: \`http.request\` with Node's Agent that keeps connections alive, one for each worker.
- \`http-pooled\`: \`http.request\` with an Agent that keeps nothing: each request dials from the pool and gives back.
- \`http-connect\`: \`http.request\` without an Agent: a new connection for each request.
- \`plain\`: as many sockets of Node's, connected in the same way, with a listener for errors each. Memory is what the heap
  and its buffers hold after garbage collections; a share of a core is CPU time over 30 s in which nobody uses them, 20 s
  after they were made.`;
