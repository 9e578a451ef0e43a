import type { ExactPosition } from '../../lib/hub/box.js';
import { BoxedOutbox, type Due, type Missed } from '../../lib/hub/boxed-outbox.js';
import { encode } from '../../lib/hub/message.js';
import type { Outgoing, Outlet, WriteWaiter } from '../../lib/hub/outlet.js';
import { Wire } from '../../lib/hub/wire.js';

const at = (offset: number, epoch = 'E'): ExactPosition => ({ epoch, offset });

/** A queue with a box, whose socket takes what it is told to. */
class Bench {
  /** Texts that were written, hellos as they are. */
  readonly written: string[] = [];
  /** What became of those that were not. */
  readonly refused: string[] = [];
  /** What the reader was asked for. */
  readonly asked: string[] = [];
  isTaking = true;
  readonly outbox: BoxedOutbox;
  private flying: { items: readonly Outgoing[]; waiter: WriteWaiter } | undefined;

  constructor(maxQueueMessages = 100) {
    const outlet = {
      isOpen: true,
      isFree: true,
      mostAtOnce: Infinity,
      write: (items: readonly Outgoing[], waiter: WriteWaiter): boolean => {
        this.written.push(...items.map(({ message }) => String(message.payload)));
        if (!this.isTaking) this.flying = { items, waiter };
        return this.isTaking;
      },
    } as unknown as Outlet;
    const bounds = { maxQueueMessages, maxQueueBytes: 1e6, slowConsumer: 'drop-newest' as const };
    this.outbox = new BoxedOutbox(outlet, new Wire('\n'), bounds, {
      onWork: () => undefined,
      onBusy: () => undefined,
      onClosing: () => undefined,
      onSlow: () => undefined,
      onBroken: () => undefined,
      onDropped: () => undefined,
    });
    this.outbox.reader = {
      onGap: () => void this.asked.push('gap'),
      onMissing: () => void this.asked.push('missing'),
      onRenumbered: () => void this.asked.push('renumbered'),
    };
  }

  item(text: string): Outgoing {
    return {
      message: encode({ name: 'chat', maxMessageBytes: 1e6 }, text, false, false),
      key: undefined,
      taken: () => undefined,
      refused: (reason) => void this.refused.push(`${text} ${reason}`),
    };
  }

  due(offset: number, isOurs = true, epoch = 'E'): Due {
    const text = `${epoch}${offset}`;
    const refused: Due['refused'] = (reason) => void this.refused.push(`${text} ${reason}`);
    return { at: at(offset, epoch), isOurs, make: () => this.item(text), refused };
  }

  missed(...offsets: number[]): Missed[] {
    return offsets.map((offset) => ({ offset, make: () => this.item(`again ${offset}`) }));
  }

  get out(): string[] {
    this.outbox.flush();
    return this.written;
  }

  /** The socket has taken what it was given. */
  takes(): void {
    const { flying } = this;
    this.flying = undefined;
    if (flying !== undefined) flying.waiter.onDone(flying.items, null);
  }
}

const HELLO = '{"hub":{"epoch":"E","offset":5}}';

describe('the queue of a connection with a box', () => {
  it('holds everything until the client is told where it stands', () => {
    const it = new Bench();
    it.outbox.offerDue(it.due(7));
    it.outbox.offer(it.item('cast'));
    it.outbox.offerDue(it.due(6));
    expect([it.out, it.outbox.isIdle]).toEqual([[], false]);
    it.outbox.beginAt(at(5), {});
    expect(it.out).toEqual([HELLO, 'E6', 'E7', 'cast']);
    expect([it.outbox.at, it.outbox.isIdle]).toEqual([at(7), true]);
  });

  it('begins with what was on its way to the client when its numbering was looked up', () => {
    const it = new Bench();
    it.outbox.offerDue(it.due(7));
    it.outbox.offerDue(it.due(6));
    it.outbox.beginAt(at(7), {});
    expect(it.out).toEqual([HELLO, 'E6', 'E7']);
    const late = new Bench();
    late.outbox.beginAt(at(6), {});
    late.outbox.offerDue(late.due(6));
    late.outbox.offerDue(late.due(7));
    expect(late.out).toEqual(['{"hub":{"epoch":"E","offset":6}}', HELLO, 'E6', 'E7']);
  });

  it('leaves out what was pushed before the client came', () => {
    const it = new Bench();
    it.outbox.offerDue(it.due(5, false));
    it.outbox.beginAt(at(5), {});
    it.outbox.offerDue(it.due(4, false));
    expect([it.out, it.refused]).toEqual([[HELLO], ['E5 closed', 'E4 closed']]);
  });

  it('sends what was missed, and what came meanwhile by itself in its place, each once', () => {
    const it = new Bench();
    it.outbox.offerDue(it.due(8));
    it.outbox.offerDue(it.due(9));
    it.outbox.replay(at(5), it.missed(6, 7, 8), { epoch: 'E', offset: 8, recovered: true, missed: 3 });
    it.outbox.offerDue(it.due(7));
    it.outbox.offerDue(it.due(10));
    expect(it.out).toEqual([
      '{"hub":{"epoch":"E","offset":8,"recovered":true,"missed":3}}',
      ...['again 6', 'again 7', 'E8', 'E9', 'E10'],
    ]);
    expect(it.refused).toEqual(['E7 closed']);
  });

  it('waits for what is missing between, and goes on when it comes', () => {
    const it = new Bench();
    it.outbox.beginAt(at(5), {});
    it.outbox.offerDue(it.due(8));
    it.outbox.offerDue(it.due(7));
    it.outbox.offer(it.item('cast'));
    expect([it.out, it.outbox.hasGap]).toEqual([[HELLO, 'cast'], true]);
    expect(it.asked).toEqual(['renumbered', 'gap', 'gap']);
    it.outbox.offerDue(it.due(6));
    expect([it.out, it.outbox.hasGap]).toEqual([[HELLO, 'cast', 'E6', 'E7', 'E8'], false]);
  });

  it('fetches what does not come, and skips what cannot be fetched', () => {
    const it = new Bench();
    it.outbox.beginAt(at(5), {});
    it.outbox.offerDue(it.due(8));
    it.outbox.replay(at(5), it.missed(6, 7, 8, 9));
    expect(it.out).toEqual([HELLO, 'again 6', 'again 7', 'E8', 'again 9']);
    it.outbox.offerDue(it.due(9));
    it.outbox.offerDue(it.due(12));
    it.outbox.skipGap();
    expect(it.out.slice(5)).toEqual(['{"hub":{"epoch":"E","offset":11,"recovered":false}}', 'E12']);
    expect(it.refused).toEqual(['E9 closed']);
  });

  it('does not mix two numberings', () => {
    const it = new Bench();
    it.outbox.beginAt(at(5), {});
    it.outbox.offerDue(it.due(6, true, 'F'));
    expect([it.asked, it.refused]).toEqual([['renumbered', 'missing'], ['F6 closed']]);
    it.outbox.replay(at(0, 'F'), it.missed(1, 2), { epoch: 'F', offset: 0, recovered: false });
    it.outbox.offerDue(it.due(6));
    it.outbox.offerDue(it.due(3, true, 'F'));
    expect(it.out).toEqual([
      HELLO,
      '{"hub":{"epoch":"F","offset":0,"recovered":false}}',
      ...['again 1', 'again 2', 'F3'],
    ]);
    expect(it.refused).toEqual(['F6 closed', 'E6 closed']);
  });

  it('sends without numbers while there are none, and tells when they are back', () => {
    const it = new Bench();
    it.outbox.beginAt(undefined, { recovered: false });
    it.outbox.offer(it.item('bare'));
    it.outbox.offerDue(it.due(6));
    it.outbox.offerDue(it.due(7));
    expect(it.out).toEqual(['{"hub":{"recovered":false}}', 'bare', HELLO, 'E6', 'E7']);
  });

  it('sends much of what was missed in pieces, and nothing else between', () => {
    const it = new Bench(4);
    it.outbox.beginAt(at(5), {});
    expect(it.out).toEqual([HELLO]);
    it.isTaking = false;
    it.outbox.replay(at(5), it.missed(6, 7, 8, 9, 10));
    it.outbox.offer(it.item('cast'));
    it.outbox.offerDue(it.due(11));
    expect(it.out.slice(1)).toEqual(['again 6', 'again 7']);
    it.takes();
    expect(it.out.slice(3)).toEqual(['again 8', 'again 9']);
    it.isTaking = true;
    it.takes();
    expect(it.out.slice(5)).toEqual(['again 10', 'E11', 'cast']);
    expect(it.refused).toEqual([]);
  });

  it('does not go on with what was missed when numbers begin anew meanwhile', () => {
    const it = new Bench(4);
    it.outbox.beginAt(at(5), {});
    expect(it.out).toEqual([HELLO]);
    it.isTaking = false;
    it.outbox.replay(at(5), it.missed(6, 7, 8, 9, 10));
    expect(it.out.slice(1)).toEqual(['again 6', 'again 7']);
    it.outbox.beginAt(at(0, 'F'), {});
    it.isTaking = true;
    it.takes();
    it.outbox.offerDue(it.due(1, true, 'F'));
    expect(it.out.slice(3)).toEqual(['{"hub":{"epoch":"F","offset":0}}', 'F1']);
  });

  it('goes on when the queue has no room for what was missed', () => {
    const it = new Bench(4);
    it.outbox.beginAt(at(5), {});
    it.isTaking = false;
    for (const text of ['flying', 'a', 'b', 'c', 'd']) {
      it.outbox.offer(it.item(text));
      if (text === 'flying') it.outbox.flush();
    }
    it.outbox.replay(at(5), it.missed(6, 7, 8));
    expect(it.refused).toEqual(['again 6 slow', 'again 7 slow', 'again 8 slow']);
    it.isTaking = true;
    it.takes();
    it.outbox.offerDue(it.due(9));
    expect(it.out.slice(2)).toEqual(['a', 'b', 'c', 'd', 'E9']);
  });

  it('holds no more than a queue may, and fetches the rest', () => {
    const it = new Bench(2);
    for (const text of ['a', 'b', 'c']) it.outbox.offer(it.item(text));
    for (const offset of [6, 7, 8]) it.outbox.offerDue(it.due(offset));
    expect(it.refused).toEqual(['c slow', 'E8 closed']);
    it.outbox.beginAt(at(5), {});
    expect(it.asked).toEqual(['renumbered', 'missing']);
    expect(it.out).toEqual([HELLO, 'E6', 'E7', 'a', 'b']);
  });

  it('gives everything back that it holds when it is shut', () => {
    const it = new Bench();
    it.outbox.offer(it.item('cast'));
    it.outbox.offerDue(it.due(6));
    expect(it.outbox.shut('closed')).toEqual({ messages: 1, bytes: 4 });
    it.outbox.offer(it.item('late'));
    it.outbox.offerDue(it.due(7));
    it.outbox.beginAt(at(5), {});
    it.outbox.replay(at(5), it.missed(6));
    it.outbox.skipGap();
    expect([it.out, it.refused]).toEqual([[], ['cast closed', 'E6 closed', 'late closed', 'E7 closed']]);
  });
});
