import { testNames } from '../test-names.js';

const names = testNames(new URL('./', import.meta.url));

const ROWS = Array.from({ length: 19 }, (_, i) => `G${i + 1}`);

/** What is to be shown besides, each with the names of the tests that show it. */
const SCENARIOS: [string, ...RegExp[]][] = [
  ['golden vectors', /\[G9\] "hello" with a header/],
  [
    'header limits: 255 and 256, 65535 and 65536, a header of 5',
    /\[G9\] with a header of %i, %i bytes/,
    /\[G9\] with %p, %i bytes are refused/,
    /\[G9\] %p is refused by every call/,
  ],
  ['a bad length makes the connection unfit', /\[G9\] makes the connection unfit/],
  [
    'the table of recv()',
    /\[G4\] of %i bytes/,
    /\[G5\] recv\(-1\) gives less/,
    /\[G5\] recv\(-1\) gives data, and the end/,
  ],
  ['partial bytes at the end', /\[G3\] rejects at the end of the peer with what came/],
  ['a line keeps its carriage return', /\[G6\] leaves the newline out and the carriage return in/],
  ['a delimiter is exact', /\[G6\] recvTill includes the delimiter, and is exact/],
  [
    'the pauses of a budget, which is left as it was',
    /\[G2\] a connection that is dead is told of/,
    /\[G2\] the pause is 100 ms/,
  ],
  ['the first example', /\[G14\]/],
  ['the second example', /\[G15\] a server that closes after each/, /\[G15\].*alternate/],
  ['closing what was not used', /\[G11\] unused, reused: %p, goes back/],
  ['closing twice', /\[G11\] close\(\) twice/],
  [
    'three that were reset, then a send',
    /\[G12\] three that were reset while idle/,
    /\[G12\] three that were reset in the turn/,
  ],
  ['leftover bytes never leak', /\[G13\] end the connection at close/, /\[G13\] end it while it is idle/],
  ['the time to live closes the socket', /\[G10\] is 600 s of idleness/],
];

describe('the rows of what TCP connections must do', () => {
  it.each(ROWS)('%s has a test', (row) => {
    expect(names.some((name) => name.includes(`[${row}]`))).toBe(true);
  });

  it.each(SCENARIOS)('there are tests of: %s', (_scenario, ...tests) => {
    expect(tests.filter((test) => !names.some((name) => test.test(name)))).toEqual([]);
  });
});
