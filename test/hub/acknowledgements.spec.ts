import { jest } from '@jest/globals';
import {
  type Backplane,
  ConnHub,
  type Delivery,
  type HubInstance,
  memoryBackplane,
} from 'nestjs-conn-pool/hub';
import { Acknowledgements, Parcel } from '../../lib/hub/acknowledgements.js';
import { AckPush } from '../../lib/hub/delivery.js';
import { EqualDelays } from '../../lib/hub/equal-delays.js';
import { noTotals } from '../../lib/hub/hub-stats.js';
import { Line } from './fleet.js';

const DAY = 24 * 3600 * 1000;

describe('what awaits an acknowledgement', () => {
  it('is given up at the end of ackTimeout, not at the next round of something else', async () => {
    jest.useFakeTimers();
    try {
      const hub = new ConnHub();
      hub.add('ann', new Line());
      const told: (Delivery | string)[] = [];
      void hub.push('ann', 'x', { ack: true }).then((delivery) => told.push(delivery));
      await jest.advanceTimersByTimeAsync(9_990);
      expect(told).toEqual([]);
      await jest.advanceTimersByTimeAsync(20);
      expect(told).toEqual([{ status: 'sent', connections: 1, acked: false }]);
      const closing = hub.close({ drain: 0 });
      await jest.advanceTimersByTimeAsync(5000);
      await closing;
    } finally {
      jest.useRealTimers();
    }
  });

  it('is waited for by another instance until the one that has the client must have said something', () => {
    const patience = (options: object): number => {
      let told: HubInstance | undefined;
      const backplane: Backplane = {
        kind: 'memory',
        link: (instance) => memoryBackplane().link((told = instance)),
      };
      void new ConnHub({ backplane, ...options });
      return told!.ackTimeout;
    };
    expect(patience({})).toBe(20_000);
    expect(patience({ ackTimeout: '1s', writeTimeout: '3s' })).toBe(4_000);
    expect(patience({ ackTimeout: '1s', writeTimeout: 0 })).toBe(1_000);
    expect(patience({ ackTimeout: 0 })).toBe(Infinity);
  });

  it('is 10,000 of one connection at most: of more the oldest is given up', async () => {
    const hub = new ConnHub({ ackTimeout: 0, maxQueueMessages: Infinity, maxQueueBytes: Infinity });
    const [line, other] = [new Line(), new Line()];
    hub.add('ann', line);
    hub.add('bob', other);
    const quiet = hub.push('bob', 'x', { ack: true });
    const pushed = Array.from({ length: 10_003 }, (_, i) => hub.push('ann', `${i}`, { ack: true }));
    const given = { status: 'sent', connections: 1, acked: false };
    expect(await Promise.all(pushed.slice(0, 3))).toEqual([given, given, given]);
    const lines = hub.get('ann')[0]!.lines();
    line.say('{"ack":10003}\n');
    const acked = await Promise.all(pushed.slice(3));
    expect(acked).toEqual(Array(10_000).fill({ ...given, acked: true }));
    await lines.return?.();
    await hub.close({ drain: 0 });
    await expect(quiet).resolves.toEqual(given);
  });

  it('is not what was pushed any more: that is let go once it is written', () => {
    const waiting = new EqualDelays<Parcel>(1000, (parcel) => parcel.giveUp());
    const acknowledgements = new Acknowledgements(waiting, () => undefined);
    const message = { payload: 'x'.repeat(1000), bytes: 1000, binary: false, isJson: false, shared: false };
    const told: Delivery[] = [];
    const push = new AckPush(1, noTotals().pushed, (delivery) => void told.push(delivery));
    const parcel = new Parcel(message, undefined, 1, push, acknowledgements);
    acknowledgements.use(1);
    expect(parcel.message).toBe(message);
    parcel.taken();
    expect([parcel.message.bytes, parcel.message.payload, waiting.size]).toEqual([0, '', 1]);
    acknowledgements.acknowledge(1);
    expect([told, waiting.size]).toEqual([[{ status: 'sent', connections: 1, acked: true }], 0]);
  });

  it('waits for weeks, if it may, without keeping the machine busy', async () => {
    jest.useFakeTimers();
    const armed = jest.spyOn(globalThis, 'setTimeout');
    try {
      const rung: string[] = [];
      const delays = new EqualDelays<string>(30 * DAY, (item) => void rung.push(item));
      delays.add('a');
      await jest.advanceTimersByTimeAsync(1000);
      expect(armed.mock.calls.length).toBe(1);
      await jest.advanceTimersByTimeAsync(30 * DAY - 2000);
      expect([rung, armed.mock.calls.length]).toEqual([[], 2]);
      await jest.advanceTimersByTimeAsync(1000);
      expect(rung).toEqual(['a']);
    } finally {
      armed.mockRestore();
      jest.useRealTimers();
    }
  });
});
