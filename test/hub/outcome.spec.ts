import { outcomeOf } from '../../lib/hub/outcome.js';
import type { Delivery } from 'nestjs-conn-pool/hub';

const CLOSED: Delivery = { status: 'refused', connections: 0, reason: 'closed' };
const NOBODY: Delivery = { status: 'offline', connections: 0 };
const UNCONFIRMED: Delivery = { status: 'refused', connections: 0, reason: 'unconfirmed' };

/** What n1, n2, … have answered, and how many have not. */
const told = (answers: readonly unknown[], unanswered: number): Delivery => {
  const said = answers.map((answer, at) => ({ node: `n${at + 1}`, answer }));
  return outcomeOf({ answers: said, unanswered, unreached: 0, isCounted: true }, unanswered);
};

describe('what becomes of a message that several instances were asked to deliver', () => {
  it('is that it was written, when one of them says so, whatever the others do', () => {
    for (const unanswered of [0, 1]) {
      expect(told([CLOSED, 2, NOBODY], unanswered)).toEqual({
        status: 'forwarded',
        connections: 2,
        node: 'n2',
      });
    }
  });

  it('is not known as long as one of them may have written it: nobody is told that nobody has', () => {
    for (const answers of [[], [CLOSED], [NOBODY], [NOBODY, CLOSED]])
      expect(told(answers, 1)).toEqual(UNCONFIRMED);
  });

  it('is why it was not written, once all of them have spoken', () => {
    expect(told([NOBODY, CLOSED], 0)).toEqual(CLOSED);
    expect(told([NOBODY], 0)).toEqual(NOBODY);
    expect(told([], 0)).toEqual(NOBODY);
  });
});
