import {
  ConnHub,
  type ConnHubOptions,
  type HubEvent,
  memoryBackplane,
  type Position,
} from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { Line } from './fleet.js';
import { houses } from './houses.js';
import { BoxClient, type Told } from './told.js';
import { until } from './until.js';

const QUEUED = { status: 'queued', connections: 0 };
const SENT = { status: 'sent', connections: 1 };

/** A hub alone, with a box, and what it tells. */
class Alone {
  readonly events: HubEvent[] = [];
  readonly hub: ConnHub;

  constructor(box: ConnHubOptions['box'] = {}, options: ConnHubOptions = {}) {
    this.hub = new ConnHub({ name: 'chat', box, ...options });
    this.hub.events$.subscribe((event) => void this.events.push(event));
  }

  join(id: string, resume?: Position): Promise<BoxClient> {
    return BoxClient.join(this.hub, id, resume);
  }

  /** Pushes them one after another; gives what became of each. */
  async push(id: string, ...texts: string[]): Promise<string[]> {
    const told = await Promise.all(texts.map((text) => this.hub.push(id, text)));
    return told.map(({ status }) => status);
  }
}

describe('a box', () => {
  const open: ConnHub[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((hub) => hub.close({ drain: 0 })))));
  const alone = (box?: ConnHubOptions['box'], options?: ConnHubOptions): Alone => {
    const made = new Alone(box, options);
    open.push(made.hub);
    return made;
  };

  it('tells every connection first where its numbering stands, and numbers every push', async () => {
    const it = alone();
    const client = await it.join('ann');
    expect(client.told).toEqual([{ hub: { epoch: expect.any(String) as string, offset: 0 } }]);
    await expect(it.hub.push('ann', 'plain')).resolves.toEqual(SENT);
    await it.hub.push('ann', { a: 1 });
    await it.hub.push('ann', Buffer.from([255]), { binary: true });
    expect(client.line.heard.slice(1)).toEqual([
      '{"offset":1,"data":"plain"}',
      '{"offset":2,"data":{"a":1}}',
      '{"offset":3,"base64":"/w=="}',
    ]);
    const other = await it.join('bob');
    expect(other.hello.offset).toBe(0);
    expect(it.hub.stats().totals).toMatchObject({ pushed: { sent: 3 }, resumed: 0, notRecovered: 0 });
  });

  it('keeps what is pushed to an id that is away, and says so', async () => {
    const it = alone();
    await expect(it.hub.push('ann', 'x')).resolves.toEqual(QUEUED);
    await expect(it.hub.push('ann', 'y', { ack: true })).resolves.toEqual({ ...QUEUED, acked: false });
    expect(it.hub.stats().totals.pushed).toMatchObject({ queued: 2, offline: 0 });
  });

  it('sends a client that comes back all that it missed, before anything newer', async () => {
    const it = alone();
    const first = await it.join('ann');
    await it.push('ann', '1', '2');
    const { epoch } = first.hello;
    await first.gone(it.hub, 'ann');
    expect(await it.push('ann', '3', '4', '5')).toEqual(['queued', 'queued', 'queued']);
    const line = new Line();
    it.hub.add('ann', line, { resume: { epoch, offset: 2 } });
    // In the same breath, while the resume is under way.
    const newer = it.hub.push('ann', '6');
    await expect(newer).resolves.toEqual(SENT);
    const back = new BoxClient(line);
    expect(back.hello).toEqual({ epoch, offset: 5, recovered: true, missed: 3 });
    expect([back.numbers, back.texts]).toEqual([
      [3, 4, 5, 6],
      ['3', '4', '5', '6'],
    ]);
    expect(it.hub.stats().totals).toMatchObject({ resumed: 3, notRecovered: 0 });
  });

  it('sends a client that missed nothing nothing', async () => {
    const it = alone();
    const first = await it.join('ann');
    await it.push('ann', '1');
    const back = await it.join('ann', { epoch: first.hello.epoch!, offset: 1 });
    expect(back.told).toEqual([{ hub: { ...first.hello, offset: 1, recovered: true, missed: 0 } }]);
  });

  it('sends all there ever was to one who asks from 0 without an epoch', async () => {
    const it = alone({ size: 3 });
    await it.push('ann', '1', '2', '3');
    const all = await it.join('ann', { offset: 0 });
    expect([all.hello, all.texts]).toEqual([
      expect.objectContaining({ offset: 3, recovered: true, missed: 3 }),
      ['1', '2', '3'],
    ]);
    await it.push('ann', '4');
    const late = await it.join('ann', { offset: 0 });
    expect(late.hello).toMatchObject({ offset: 4, recovered: false });
    expect(late.numbers).toEqual([]);
  });

  const impossible: [string, (epoch: string) => Position][] = [
    ['of another epoch', () => ({ epoch: 'other', offset: 2 })],
    ['of an epoch that is empty', () => ({ epoch: '', offset: 0 })],
    ['ahead of what there is', (epoch) => ({ epoch, offset: 4 })],
    ['far ahead', (epoch) => ({ epoch, offset: Number.MAX_VALUE })],
    ['that is infinite', (epoch) => ({ epoch, offset: Infinity })],
    ['below 0', (epoch) => ({ epoch, offset: -1 })],
    ['that is no number', (epoch) => ({ epoch, offset: NaN })],
    ['between two', (epoch) => ({ epoch, offset: 1.5 })],
    ['without an epoch', () => ({ offset: 2 })],
  ];
  it.each(impossible)('says that it could not, for a position %s', async (_what, position) => {
    const it = alone();
    const { epoch } = (await it.join('ann')).hello;
    await it.push('ann', '1', '2', '3');
    const back = await it.join('ann', position(epoch!));
    expect(back.told).toEqual([{ hub: { epoch, offset: 3, recovered: false } }]);
    await it.push('ann', '4');
    expect(back.numbers).toEqual([4]);
    expect(it.hub.stats().totals).toMatchObject({ resumed: 0, notRecovered: 1 });
  });

  it('takes from the query where a client stands, and whatever is no position as one that nothing resumes from', async () => {
    const it = await house({ box: {} });
    await it.hub.push('ann', '1');
    const hello = async (query: string): Promise<Told['hub']> => {
      const client = await it.ask(`/?id=ann${query}`);
      return (JSON.parse((await client.hears(1))[0]!) as Told).hub;
    };
    const { epoch } = (await hello(''))!;
    await it.hub.push('ann', '2');
    expect(await hello(`&epoch=${epoch}&offset=1`)).toEqual({ epoch, offset: 2, recovered: true, missed: 1 });
    expect(await hello('&offset=0')).toMatchObject({ recovered: true, missed: 2 });
    for (const query of [
      `&epoch=${epoch}`,
      `&epoch=${epoch}&offset=`,
      `&epoch=${epoch}&offset=-1`,
      `&epoch=${epoch}&offset=1e0`,
      `&epoch=${epoch}&offset=0x1`,
      `&epoch=${epoch}&offset=99999999999999999999`,
      `&epoch=${'x'.repeat(5000)}&offset=1`,
      '&offset=1',
      '&offset=%00',
    ]) {
      expect([query, await hello(query)]).toEqual([query, { epoch, offset: 2, recovered: false }]);
    }
  });
  const house = houses();

  it('keeps as many messages of an id as it may, and tells of those that reached nobody', async () => {
    const it = alone({ size: 3 });
    const client = await it.join('ann');
    await it.push('ann', '1', '2');
    await client.gone(it.hub, 'ann');
    await it.push('ann', '3', '4', '5');
    expect(it.events.filter(({ type }) => type === 'dropped')).toEqual([]);
    await it.push('ann', 'six!');
    await it.push('ann', '7');
    expect(it.events.filter(({ type }) => type === 'dropped')).toEqual([
      expect.objectContaining({ id: 'ann', reason: 'box', messages: 1, bytes: 1 }),
      expect.objectContaining({ id: 'ann', reason: 'box', messages: 1, bytes: 1 }),
    ]);
    expect(it.hub.stats().totals.dropped).toBe(2);
    const { epoch } = client.hello;
    // 3 and 4 are gone: not a part of it is sent.
    expect((await it.join('ann', { epoch: epoch!, offset: 2 })).told).toEqual([
      { hub: { epoch, offset: 7, recovered: false } },
    ]);
    expect((await it.join('ann', { epoch: epoch!, offset: 4 })).texts).toEqual(['5', 'six!', '7']);
  });

  it('keeps as many bytes of an id as it may', async () => {
    const it = alone({ maxBytes: 10 });
    expect(await it.push('ann', 'aaaa', 'bbbb', 'cccc')).toEqual(['queued', 'queued', 'queued']);
    expect(it.hub.stats().totals.dropped).toBe(1);
    const some = await it.join('ann', { offset: 0 });
    expect(some.hello.recovered).toBe(false);
    const { epoch } = some.hello;
    expect((await it.join('ann', { epoch: epoch!, offset: 1 })).texts).toEqual(['bbbb', 'cccc']);
    await (await it.join('ann')).gone(it.hub, 'ann');
    // It has no room for that, and nobody can resume across it.
    expect(await it.push('ann', 'x'.repeat(11))).toEqual(['offline']);
    expect(await it.push('ann', 'dddd')).toEqual(['queued']);
    expect((await it.join('ann', { epoch: epoch!, offset: 3 })).hello).toEqual({
      epoch,
      offset: 5,
      recovered: false,
    });
    expect((await it.join('ann', { epoch: epoch!, offset: 4 })).texts).toEqual(['dddd']);
  });

  it('keeps messages as long as it may, and tells of those that reached nobody', async () => {
    const it = alone({ ttl: 40 });
    const client = await it.join('ann');
    await it.push('ann', '1');
    await client.gone(it.hub, 'ann');
    await it.push('ann', '2');
    await until(() => it.hub.stats().totals.dropped === 1);
    const { epoch } = client.hello;
    expect((await it.join('ann', { epoch: epoch!, offset: 1 })).hello).toEqual({
      epoch,
      offset: 2,
      recovered: false,
    });
    expect((await it.join('ann', { epoch: epoch!, offset: 2 })).hello).toMatchObject({
      recovered: true,
      missed: 0,
    });
  });

  it('knows as many ids as it may, and forgets those that were quiet for longest', async () => {
    const it = alone({ maxIds: 2 });
    const ann = await it.join('ann');
    const { epoch } = ann.hello;
    await it.push('bob', 'b');
    await it.push('ann', 'a');
    await it.push('cat', 'c');
    // bob was forgotten, with his message.
    expect(it.events.filter(({ type }) => type === 'dropped')).toMatchObject([
      { id: 'bob', reason: 'box', messages: 1 },
    ]);
    await it.push('dan', 'd');
    // ann was, too; her connection is told that her numbers begin anew.
    expect(await it.push('ann', 'again')).toEqual(['queued']);
    await until(() => ann.told.length === 4);
    const [, first, anew, second] = ann.told;
    expect([first, anew?.hub?.offset, anew?.hub?.recovered, second]).toEqual([
      { offset: 1, data: 'a' },
      0,
      false,
      { offset: 1, data: 'again' },
    ]);
    expect(anew?.hub?.epoch).not.toBe(epoch);
    expect((await it.join('ann', { epoch: epoch!, offset: 1 })).hello.recovered).toBe(false);
    expect((await it.join('ann', { epoch: anew!.hub!.epoch!, offset: 0 })).texts).toEqual(['again']);
  });

  it.each([
    ['0 messages', { size: 0 }, 'box.size'],
    ['no time', { ttl: 0 }, 'box.ttl'],
    ['all time', { ttl: Infinity }, 'box.ttl'],
    ['half a byte', { maxBytes: 0.5 }, 'box.maxBytes'],
    ['any number of ids', { maxIds: Infinity }, 'box.maxIds'],
    ['what it does not know', { length: 1 }, 'box.length'],
    ['no options', true, 'box'],
    ['null', null, 'box'],
  ])('is refused with %s', (_what, box, path) => {
    let problems: readonly { path: string }[] = [];
    try {
      void new ConnHub({ box: box as object });
    } catch (error) {
      problems = (error as InvalidOptionsError).problems;
    }
    expect(problems.map((each) => each.path)).toEqual([path]);
  });

  it('is refused over a backplane that keeps nothing, and leaves no trace there', async () => {
    const backplane = { ...memoryBackplane(), boxOf: undefined };
    const make = (): ConnHub => new ConnHub({ name: 'chat', node: 'n', box: {}, backplane });
    expect(make).toThrow(/^Hub "chat" has a bad option:\n.*box: .*a backplane that keeps messages/);
    await new ConnHub({ name: 'chat', node: 'n', backplane }).close();
  });

  it('is what resume needs, and resume must be a position', async () => {
    const plain = new ConnHub({ name: 'chat' });
    open.push(plain);
    expect(() => plain.add('ann', new Line(), { resume: { offset: 0 } })).toThrow(
      /resume: .*a hub with a "box"/,
    );
    const it = alone();
    for (const resume of ['9', 9, null, {}, { offset: '9' }, { epoch: 1, offset: 9 }]) {
      expect(() => it.hub.add('ann', new Line(), { resume: resume as unknown as Position })).toThrow(
        InvalidOptionsError,
      );
    }
    const hostile = {
      get offset(): number {
        throw new Error('hostile');
      },
    };
    expect(() => it.hub.add('ann', new Line(), { resume: hostile })).toThrow(InvalidOptionsError);
    expect(it.hub.size).toBe(0);
  });

  it('lets one acknowledge by the numbers of the id, and calls queued what nobody acknowledged', async () => {
    const it = alone({}, { ackTimeout: 40 });
    await it.push('ann', '1', '2', '3');
    const client = await it.join('ann');
    const lines = it.hub.get('ann')[0]!.lines();
    const acked = it.hub.push('ann', '4', { ack: true });
    await until(() => client.numbers.length === 1);
    client.line.say('{"ack":4}\n');
    await expect(acked).resolves.toEqual({ ...SENT, acked: true });
    await expect(it.hub.push('ann', '5', { ack: true })).resolves.toEqual({
      status: 'queued',
      connections: 1,
      acked: false,
    });
    const cut = it.hub.push('ann', '6', { ack: true });
    await until(() => client.numbers.length === 3);
    client.line.hangUp();
    await expect(cut).resolves.toEqual({ status: 'queued', connections: 1, acked: false });
    await lines.return?.();
    expect((await it.join('ann', { epoch: client.hello.epoch!, offset: 4 })).texts).toEqual(['5', '6']);
  });

  it('does not take an acknowledgement of old numbers for one of new', async () => {
    const it = alone({ maxIds: 1 }, { ackTimeout: 40 });
    const client = await it.join('ann');
    const lines = it.hub.get('ann')[0]!.lines();
    const first = ['1', '2', '3'].map((text) => it.hub.push('ann', text, { ack: true }));
    await until(() => client.numbers.length === 3);
    client.line.say('{"ack":3}\n');
    for (const each of first) await expect(each).resolves.toMatchObject({ acked: true });
    // Another id takes the only place: the numbers of ann begin anew.
    await it.push('bob', 'x');
    await expect(it.hub.push('ann', 'a', { ack: true })).resolves.toMatchObject({
      status: 'queued',
      acked: false,
    });
    await until(() => client.texts.includes('a'));
    await expect(it.hub.push('ann', 'b', { ack: true })).resolves.toMatchObject({
      status: 'queued',
      acked: false,
    });
    await lines.return?.();
  });

  it('calls queued what the connection did not take any more', async () => {
    const it = alone();
    const client = await it.join('ann');
    const pushed = it.hub.push('ann', 'x');
    client.line.hangUp();
    await expect(pushed).resolves.toEqual(QUEUED);
    await until(() => !it.hub.has('ann'));
    expect((await it.join('ann', { epoch: client.hello.epoch!, offset: 0 })).texts).toEqual(['x']);
  });

  it('serves two that resume one id at once, and the one that came last stays', async () => {
    const it = alone();
    const { epoch } = (await it.join('ann')).hello;
    await (it.hub.get('ann')[0]!.conn as Line).hangUp();
    await until(() => !it.hub.has('ann'));
    await it.push('ann', '1', '2');
    const lines = [new Line(), new Line()];
    for (const line of lines) it.hub.add('ann', line, { resume: { epoch, offset: 0 } });
    await it.push('ann', '3');
    expect(new BoxClient(lines[1]!).texts).toEqual(['1', '2', '3']);
    expect([lines[0]!.heard, lines[0]!.writableEnded]).toEqual([[], true]);
  });

  it("sends every connection of an id with 'multi' what it missed itself", async () => {
    const it = alone({}, { onDuplicate: 'multi' });
    const { epoch } = (await it.join('ann')).hello;
    await it.push('ann', '1', '2', '3');
    const [from1, from3] = [
      await it.join('ann', { epoch: epoch!, offset: 1 }),
      await it.join('ann', { epoch: epoch!, offset: 3 }),
    ];
    await expect(it.hub.push('ann', '4')).resolves.toEqual({ status: 'sent', connections: 3 });
    expect([from1.texts, from3.texts]).toEqual([['2', '3', '4'], ['4']]);
  });

  it('begins again with a connection that is added again', async () => {
    const it = alone();
    const client = await it.join('ann');
    await it.push('ann', '1');
    const same = it.hub.add('ann', client.line, { resume: { offset: 0 } });
    expect(same).toBe(it.hub.get('ann')[0]);
    await it.push('ann', '2');
    expect(client.texts).toEqual(['1', '2']);
  });

  it('sends broadcasts without a number, after the hello, and keeps none', async () => {
    const it = alone();
    const line = new Line();
    it.hub.add('ann', line);
    await expect(it.hub.broadcast('all')).resolves.toMatchObject({ connections: 1 });
    await it.push('ann', '1');
    expect(line.heard).toEqual([expect.stringContaining('"hub"'), 'all', '{"offset":1,"data":"1"}']);
    const back = await it.join('ann', { offset: 0 });
    expect(back.texts).toEqual(['1']);
  });

  it('sends more than a queue holds, in pieces', async () => {
    const it = alone({ size: 100 }, { maxQueueMessages: 4 });
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
    await it.push('ann', ...texts);
    const line = new Line();
    it.hub.add('ann', line, { resume: { offset: 0 } });
    expect(await it.push('ann', '100')).toEqual(['sent']);
    expect(new BoxClient(line).texts).toEqual([...texts, '100']);
  });

  it.each(['disconnect', 'drop-oldest', 'drop-newest', 'conflate'] as const)(
    "sends a client that takes its time all that it missed, and what comes meanwhile after it, with '%s'",
    async (slowConsumer) => {
      const it = alone({ size: 50 }, { maxQueueMessages: 20, slowConsumer });
      const texts = Array.from({ length: 50 }, (_, i) => `${i}`);
      await it.push('ann', ...texts);
      const client = BoxClient.slow(it.hub, 'ann', { offset: 0 });
      const later: Promise<unknown>[] = [];
      for (let i = 50; i < 60; i += 1) {
        later.push(it.hub.push('ann', `${i}`), it.hub.broadcast(`{"cast":${i}}`));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(later);
      expect(client.texts).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`));
      expect(client.line.heard.filter((text) => text.includes('cast'))).toHaveLength(10);
      expect(it.hub.stats()).toMatchObject({
        queuedMessages: 0,
        queuedBytes: 0,
        totals: { resumed: 50, dropped: 0 },
      });
    },
  );

  it('lets one that takes nothing have what it missed when it comes back', async () => {
    const it = alone({}, { maxQueueMessages: 20, writeTimeout: 40 });
    const client = BoxClient.slow(it.hub, 'ann', undefined, 0);
    const statuses = await it.push('ann', ...Array.from({ length: 60 }, (_, i) => `${i}`));
    expect(new Set(statuses)).toEqual(new Set(['queued']));
    expect(it.events).toContainEqual(expect.objectContaining({ type: 'left', reason: 'slow' }));
    expect(client.texts).toEqual([]);
    const back = await BoxClient.join(it.hub, 'ann', { offset: 0 });
    await until(() => back.texts.length === 60);
    expect(back.texts).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`));
  });

  it('is not reached by a signal once the message has its number', async () => {
    const it = alone();
    const client = await it.join('ann');
    const abort = new AbortController();
    const pushed = it.hub.push('ann', 'x', { signal: abort.signal });
    abort.abort();
    await expect(pushed).rejects.toBe(abort.signal.reason);
    await expect(it.hub.push('ann', 'y', { signal: abort.signal })).rejects.toBe(abort.signal.reason);
    await until(() => client.texts.length === 1);
    expect((await it.join('ann', { offset: 0 })).texts).toEqual(['x']);
  });

  it('of one hub goes with it: what was not written is refused, and not called queued', async () => {
    const it = alone();
    await it.join('ann');
    const raw = it.hub.get('ann')[0]!.conn as Line;
    raw._write = () => undefined;
    const pushed = it.hub.push('ann', 'x');
    await until(() => raw.writableLength > 0);
    const closing = it.hub.close({ drain: 0 });
    await expect(it.hub.push('ann', 'late')).resolves.toEqual({
      status: 'refused',
      connections: 0,
      reason: 'closed',
    });
    await closing;
    await expect(pushed).resolves.toEqual({ status: 'refused', connections: 0, reason: 'closed' });
  });
});
