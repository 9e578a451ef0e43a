export const METHOD = `Each figure comes from two processes of their own, a server and a client, one pair for each round, scenario and contender; to
decode needs no server. The contenders of one scenario run one right after the other, in shuffled order. A client warms its code up, then
counts what it completes in several spans of time, and reports the median; the tables hold the median over the rounds, and in brackets the
lowest and the highest round. Ratios are taken within a round; their median is shown. Both processes run on one machine, over the
loopback interface.

Packages have a header of 2 bytes. In the scenarios of packages for packages:

- \`raw\`: one socket for each worker, with one listener for its data, and nothing but what this protocol needs: the header is written by
  hand, packages are views of the chunks they came in.
- \`kept\`: one \`PoolConn\` for each worker: \`sendRecvPkg()\`.
- \`borrowed\`: \`pool.get()\`, \`sendRecvPkg()\`, \`close()\` for each package.

In those that decode, where seconds are those of CPU time:

- \`lean\`: a loop over each chunk that pushes views into an array, and puts what is left in front of the next chunk with \`Buffer.concat\`.
- \`decoder\`: \`PackageDecoder\`, whose packages are views as well.
- \`decoder, copies\`: the same with \`copy: true\`.

In that of packages without a wait:

- \`one by one\`: \`sendRecvPkg()\`, and the next when it has answered.
- \`pipelined\`: 100 packages in one \`sendPkgs()\`, then \`recvPkgs()\` until all have come back.

In that of lines, each of 60 bytes, which a server sends as fast as it is read:

- \`readline\`: \`for await\` over \`node:readline\`, whose lines are strings; \`readline, events\`: its event \`'line'\`.
- \`recvLine\`: \`recvLine()\`, over and over; \`lines\`: \`for await\` over \`lines()\`; \`lineBatches\`: over \`lineBatches()\`. Lines are buffers.
- \`byte by byte\`: \`recv(1)\` up to the end of the line, as the predecessor reads.`;
