import { jest } from '@jest/globals';
import { type Answers, Asks } from '../../lib/hub/asks.js';

const DAY = 24 * 3600 * 1000;

describe('questions to other instances', () => {
  it('have numbers that an instance of the same name before this one has not had', () => {
    const numbers = Array.from({ length: 20 }, () => {
      const asks = new Asks(1000, 1000);
      const first = asks.begin(
        false,
        () => undefined,
        () => undefined,
      );
      expect(
        asks.begin(
          false,
          () => undefined,
          () => undefined,
        ),
      ).toBe(first + 1);
      asks.endAll();
      return first;
    });
    expect(new Set(numbers).size).toBe(20);
    expect(numbers.every((number) => Number.isSafeInteger(number + 2 ** 50))).toBe(true);
    expect(Math.max(...numbers)).toBeGreaterThan(1_000_000);
  });

  it('may wait for weeks, without keeping the machine busy', async () => {
    jest.useFakeTimers();
    const armed = jest.spyOn(globalThis, 'setTimeout');
    try {
      const done: Answers[] = [];
      const asks = new Asks(1000, 30 * DAY);
      asks.begin(
        true,
        (said) => void done.push(said),
        () => undefined,
      );
      await jest.advanceTimersByTimeAsync(1000);
      expect(armed.mock.calls.length).toBe(1);
      await jest.advanceTimersByTimeAsync(30 * DAY - 1000);
      expect([done.length, armed.mock.calls.length]).toEqual([0, 2]);
      await jest.advanceTimersByTimeAsync(1000);
      expect(done).toMatchObject([{ unanswered: 1 }]);
    } finally {
      armed.mockRestore();
      jest.useRealTimers();
    }
  });
});
