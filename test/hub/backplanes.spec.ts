import { jest } from '@jest/globals';
import { ConnHub, type ConnHubOptions, type Delivery } from 'nestjs-conn-pool/hub';
import { InvalidOptionsError } from 'nestjs-conn-pool/core';
import { fleet, type Fleet, Line, OFFLINE } from './fleet.js';
import { BACKPLANES, type Place } from './servers/backplanes.js';
import { describeWith } from '../describe-with.js';
import { until } from './until.js';

for (const { name, kind, needs, open: openPlace } of BACKPLANES) {
  describeWith(needs, `instances of a hub that meet over ${name}`, () => {
    jest.setTimeout(60_000);
    let place: Place;
    const open: { close(): Promise<unknown> }[] = [];

    beforeAll(async () => void (place = await openPlace()));
    afterAll(() => place.remove());
    afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

    async function started(count: number, options: ConnHubOptions = {}): Promise<Fleet> {
      const made = fleet(count, () => place.backplane(), options);
      open.push(made);
      await Promise.all(made.hubs.map((hub) => hub.start()));
      return made;
    }
    /** Hubs on backplanes of their own, of whatever names. */
    async function hubs(...places: [name: string, node: string][]): Promise<ConnHub[]> {
      const made = places.map(
        ([hub, node]) => new ConnHub({ name: hub, node, backplane: place.backplane() }),
      );
      for (const hub of made) open.push({ close: () => hub.close({ drain: 0 }) });
      await Promise.all(made.map((hub) => hub.start()));
      return made;
    }
    const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
      (await hub.presence(id)).connections[0]?.node === node;
    const inTurn = (told: readonly string[][]): string[] =>
      told.flat().filter((line) => line.startsWith('online') || line.startsWith('offline'));

    it('push to an id wherever it is, and tell where', async () => {
      const { hubs: [a, b, c] = [], join } = await started(3);
      const line = join(1, 'ann');
      await until(() => isAt(a!, 'ann', 'n1'));
      await expect(a!.push('ann', { text: 'grüß "dich" 😀' })).resolves.toEqual({
        status: 'forwarded',
        connections: 1,
        node: 'n1',
      });
      await a!.push('ann', Buffer.from('bytes é'));
      await expect(b!.push('ann', 'here')).resolves.toEqual({ status: 'sent', connections: 1 });
      await expect(c!.push('bob', 'x')).resolves.toEqual(OFFLINE);
      expect(line.heard).toEqual(['{"text":"grüß \\"dich\\" 😀"}', 'bytes é', 'here']);
      expect(a!.stats().totals.pushed).toMatchObject({ forwarded: 2, sent: 0 });
      expect(b!.stats().totals.pushed).toMatchObject({ forwarded: 0, sent: 3 });
      await expect(a!.health()).resolves.toMatchObject({ state: 'up', backplane: { kind, state: 'up' } });
    });

    it('keep the order of what is forwarded', async () => {
      const { hubs: [a] = [], join } = await started(2);
      const line = join(1, 'ann');
      await until(() => isAt(a!, 'ann', 'n1'));
      const pushed: Promise<Delivery>[] = [];
      for (let i = 0; i < 500; i += 1) {
        pushed.push(a!.push('ann', `${i}`));
        if (i % 37 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await Promise.all(pushed)).every(({ status }) => status === 'forwarded')).toBe(true);
      expect(line.heard.map(Number)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    });

    it('answer each of many questions of one turn by itself', async () => {
      const { hubs: [a] = [], join } = await started(3);
      const lines = Array.from({ length: 300 }, (_, i) => join(1 + (i % 2), `id-${i}`));
      await until(() => isAt(a!, 'id-299', 'n2'));
      await until(() => isAt(a!, 'id-298', 'n1'));
      const large = 'x'.repeat(100_000);
      const texts = Array.from({ length: 400 }, (_, i) => (i % 50 === 0 ? large : `${i}`));
      const first = await Promise.all(texts.map((text, i) => a!.push(`id-${i}`, text)));
      const again = texts.flatMap((text, i) => [a!.push(`id-${i}`, text), a!.push(`id-${i}`, 'and')]);
      for (const [deliveries, each] of [
        [first, 1],
        [await Promise.all(again), 2],
      ] as const) {
        deliveries.forEach((delivery, i) => {
          const at = Math.floor(i / each);
          const node = `n${1 + (at % 2)}`;
          expect(delivery).toEqual(at < 300 ? { status: 'forwarded', connections: 1, node } : OFFLINE);
        });
      }
      expect(lines.map(({ heard }) => heard)).toEqual(lines.map((_, i) => [texts[i], texts[i], 'and']));
    });

    it('pass acknowledgements on', async () => {
      const { hubs: [a, b] = [], join } = await started(2);
      const line = join(1, 'ann');
      const lines = b!.get('ann')[0]!.lines();
      await until(() => isAt(a!, 'ann', 'n1'));
      const pushed = a!.push('ann', Buffer.from([255]), { ack: true, binary: true });
      await until(() => line.heard.length === 1);
      expect(line.heard).toEqual(['{"offset":1,"base64":"/w=="}']);
      line.say('{"ack":1}\n');
      await expect(pushed).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: true });
      await lines.return?.();
      const again = a!.push('ann', 'y', { ack: true });
      await until(() => line.heard.length === 2);
      line.hangUp();
      await expect(again).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: false });
      await until(() => isAt(a!, 'ann', undefined));
      await expect(a!.push('ann', 'z', { ack: true })).resolves.toEqual({ ...OFFLINE, acked: false });
    });

    it('reject a forwarded push by its signal', async () => {
      const { hubs: [a] = [], join } = await started(2);
      join(1, 'ann');
      await until(() => isAt(a!, 'ann', 'n1'));
      const abort = new AbortController();
      const pushed = a!.push('ann', 'x', { ack: true, signal: abort.signal });
      abort.abort();
      await expect(pushed).rejects.toBe(abort.signal.reason);
    });

    it('broadcast to all of them, to groups, and but for some, unless told to stay', async () => {
      const { hubs: [a, b] = [], join } = await started(3);
      const [ann, bob, cat] = [join(0, 'ann'), join(1, 'bob'), join(2, 'cat')];
      b!.join('bob', 'g');
      await expect(a!.broadcast('all')).resolves.toEqual({ connections: 1, refused: 0, forwarded: true });
      await a!.broadcast('group', { group: 'g' });
      await a!.broadcast('but cat', { except: ['cat'] });
      await expect(a!.broadcast('local', { local: true })).resolves.toMatchObject({ forwarded: false });
      await a!.broadcast('last');
      await until(() => [ann, bob, cat].every(({ heard }) => heard.at(-1) === 'last'));
      expect([ann.heard, bob.heard, cat.heard]).toEqual([
        ['all', 'but cat', 'local', 'last'],
        ['all', 'group', 'but cat', 'last'],
        ['all', 'last'],
      ]);
    });

    it("move an id to its newest connection with 'replace'", async () => {
      const { hubs: [a, b] = [], join, told } = await started(2);
      const older = join(0, 'ann');
      await until(() => isAt(b!, 'ann', 'n0'));
      const newer = join(1, 'ann');
      await until(() => !a!.has('ann'));
      await until(() => isAt(a!, 'ann', 'n1'));
      expect([older.writableEnded, newer.writableEnded]).toEqual([true, false]);
      await expect(a!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
      newer.hangUp();
      await until(() => told[1]!.includes('offline ann'));
      const mine = told.map((lines) => lines.filter((line) => !line.startsWith('backplane')));
      expect(mine).toEqual([
        ['joined ann', 'online ann', 'left ann replaced'],
        ['joined ann', 'left ann closed', 'offline ann'],
      ]);
    });

    it("leave an id to its oldest connection with 'reject'", async () => {
      const { hubs: [a, b] = [], join, told } = await started(2, { onDuplicate: 'reject' });
      join(0, 'ann');
      await until(() => isAt(b!, 'ann', 'n0'));
      const newer = join(1, 'ann');
      await until(() => !b!.has('ann'));
      expect([newer.writableEnded, a!.has('ann')]).toEqual([true, true]);
      expect(told[1]!.at(-1)).toBe('left ann duplicate');
      a!.delete('ann');
      await until(() => told[0]!.includes('offline ann'));
      join(1, 'ann');
      await until(() => told[1]!.includes('online ann'));
      expect(b!.has('ann')).toBe(true);
    });

    it("keep all connections of an id with 'multi', and forward to each of them", async () => {
      const { hubs: [a, b, c] = [], join, told } = await started(3, { onDuplicate: 'multi' });
      const nodes = async (): Promise<string[]> =>
        (await a!.presence('ann')).connections.map(({ node }) => node).sort();
      const first = join(1, 'ann');
      await until(() => isAt(a!, 'ann', 'n1'));
      const lines = [first, join(1, 'ann'), join(2, 'ann')];
      await until(async () => (await nodes()).join() === 'n1,n1,n2');
      await expect(a!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', connections: 3 });
      expect(lines.map(({ heard }) => heard)).toEqual([['x'], ['x'], ['x']]);
      lines[0]!.hangUp();
      lines[2]!.hangUp();
      await until(async () => (await nodes()).join() === 'n1');
      expect(inTurn(told)).toEqual(['online ann']);
      lines[1]!.hangUp();
      await until(() => told[1]!.includes('offline ann'));
      expect(inTurn(told)).toEqual(['online ann', 'offline ann']);
      for (const at of [0, 1, 2]) join(at, 'bob');
      await until(async () => (await a!.presence('bob')).connections.length === 3);
      await expect(a!.kick('bob')).resolves.toBe(3);
      expect([a, b, c].map((hub) => [...hub!.ids()])).toEqual([[], [], []]);
    });

    it("reach all connections of an id with 'multi', those here and those elsewhere, and tell of all", async () => {
      const { hubs: [a, b] = [], join } = await started(3, { onDuplicate: 'multi' });
      const phone = join(0, 'ann');
      await until(() => isAt(b!, 'ann', 'n0'));
      await expect(a!.push('ann', 'alone')).resolves.toEqual({ status: 'sent', connections: 1 });
      const [laptop, tablet] = [join(1, 'ann'), join(1, 'ann')];
      await until(async () => (await a!.presence('ann')).connections.length === 3);
      await until(() => isAt(b!, 'ann', 'n1'));
      await expect(a!.push('ann', 'all')).resolves.toEqual({ status: 'sent', connections: 3 });
      await expect(b!.push('ann', 'again', { key: 'k' })).resolves.toEqual({
        status: 'sent',
        connections: 3,
      });
      expect(phone.heard).toEqual(['alone', 'all', 'again']);
      expect([laptop.heard, tablet.heard]).toEqual([
        ['all', 'again'],
        ['all', 'again'],
      ]);
      const lines = b!.get('ann')[0]!.lines();
      const acked = a!.push('ann', 'acked', { ack: true });
      await until(() => laptop.heard.length === 3);
      laptop.say('{"ack":1}\n');
      await expect(acked).resolves.toMatchObject({ acked: true });
      await lines.return?.();
      const abort = new AbortController();
      const pushed = a!.push('ann', 'x', { ack: true, signal: abort.signal });
      abort.abort();
      await expect(pushed).rejects.toBe(abort.signal.reason);
      phone.hangUp();
      await until(() => !a!.has('ann'));
      await expect(a!.push('ann', 'moved')).resolves.toMatchObject({ status: 'forwarded', connections: 2 });
      // Counted once each, those of the other instance as well.
      expect(a!.stats().totals.pushed).toMatchObject({ sent: 3, forwarded: 2, offline: 0, refused: 0 });
    });

    it('were never without an id that is back within offlineGrace, on whichever instance', async () => {
      for (const onDuplicate of ['replace', 'reject', 'multi'] as const) {
        const made = await started(2, { onDuplicate, offlineGrace: 300 });
        const { hubs: [a, b] = [], join, told } = made;
        const line = join(0, 'ann');
        await until(() => isAt(b!, 'ann', 'n0'));
        line.hangUp();
        await until(() => !a!.has('ann'));
        // It is not there, though nobody has been told that it is gone.
        await until(() => isAt(b!, 'ann', undefined));
        await expect(b!.push('ann', 'x')).resolves.toEqual(OFFLINE);
        const back = join(1, 'ann');
        await until(() => isAt(a!, 'ann', 'n1'));
        await expect(a!.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded', node: 'n1' });
        back.hangUp();
        await until(() => told[1]!.includes('offline ann'));
        expect(inTurn(told)).toEqual(['online ann', 'offline ann']);
        await made.close();
      }
    });

    it('do not expect back what has moved: who comes again is online again', async () => {
      const { hubs: [a, b, c] = [], join, told } = await started(3, { offlineGrace: 60_000 });
      join(0, 'ann');
      await until(() => isAt(c!, 'ann', 'n0'));
      join(1, 'ann');
      await until(() => isAt(c!, 'ann', 'n1'));
      await until(() => !a!.has('ann'));
      await b!.close({ drain: 0 });
      await until(() => told[1]!.includes('offline ann'));
      join(0, 'ann');
      await until(() => isAt(c!, 'ann', 'n0'));
      await until(() => told[0]!.filter((line) => line === 'online ann').length === 2);
      await a!.close({ drain: 0 });
      expect(inTurn(told).sort()).toEqual(['offline ann', 'offline ann', 'online ann', 'online ann']);
    });

    it('give up their ids when they close, and tell who is offline', async () => {
      const { hubs: [a, b] = [], join, told } = await started(2, { offlineGrace: 60_000 });
      join(0, 'ann');
      const bob = join(0, 'bob');
      await until(() => isAt(b!, 'bob', 'n0'));
      bob.hangUp();
      await until(() => isAt(b!, 'bob', undefined));
      await a!.close({ drain: 0 });
      expect(told[0]!.filter((line) => line.startsWith('offline')).sort()).toEqual([
        'offline ann',
        'offline bob',
      ]);
      await expect(b!.push('ann', 'x')).resolves.toEqual(OFFLINE);
      const nobody = { id: 'ann', online: false, connections: [], complete: true };
      await expect(b!.presence('ann')).resolves.toEqual(nobody);
    });

    it.each(['replace', 'reject'] as const)(
      "decide for one of two that claim an id at the same moment, with '%s'",
      async (onDuplicate) => {
        const { hubs: [a, b] = [], join } = await started(2, { onDuplicate });
        for (let round = 0; round < 100; round += 1) {
          const id = `id-${round}`;
          const lines = [join(round % 2, id), join(1 - (round % 2), id)];
          if (round % 2 === 1) lines.reverse();
          await until(() => a!.has(id) !== b!.has(id));
          const winner = a!.has(id) ? 0 : 1;
          const loser = winner === 0 ? b! : a!;
          await until(() => isAt(loser, id, `n${winner}`));
          await expect(loser.push(id, 'x')).resolves.toMatchObject({ status: 'forwarded' });
          expect(lines.map(({ heard }) => heard.length)).toEqual(winner === 0 ? [1, 0] : [0, 1]);
        }
      },
    );

    it('tell the truth of what is pushed to an id that comes, moves and goes meanwhile', async () => {
      const { hubs: [a] = [], join } = await started(3);
      const lines: Line[] = [];
      const pushed: Promise<Delivery>[] = [];
      for (let round = 0; round < 150; round += 1) {
        if (round % 3 !== 2) lines.push(join(1 + (round % 2), 'ann'));
        else lines.at(-1)!.hangUp();
        for (let turn = 0; turn < round % 5; turn += 1) {
          pushed.push(a!.push('ann', `${pushed.length}`));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      const deliveries = await Promise.all(pushed);
      for (const { heard } of lines) {
        const numbers = heard.map(Number);
        expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      }
      const heard = lines.flatMap((line) => line.heard.map(Number));
      deliveries.forEach(({ status, connections, reason }, number) => {
        const times = heard.filter((each) => each === number).length;
        if (reason === 'unconfirmed') expect(times).toBeLessThanOrEqual(1);
        // Where it moves, the old place and the new one may both have taken it.
        else if (status === 'forwarded') expect(times).toBeGreaterThanOrEqual(connections);
        else expect([number, status, reason, times]).toEqual([number, status, reason, 0]);
      });
    });

    it('tell each hub of a process apart, also one that comes late', async () => {
      const backplane = place.backplane();
      const make = (hub: string): ConnHub => {
        const made = new ConnHub({ name: hub, node: 'n0', backplane });
        open.push({ close: () => made.close({ drain: 0 }) });
        return made;
      };
      await make('a').start();
      const late = make('b');
      await late.start();
      const [farA, farB] = (await hubs(['a', 'n1'], ['b', 'n1'])) as [ConnHub, ConnHub];
      const line = new Line();
      late.add('ann', line);
      await until(() => isAt(farB, 'ann', 'n0'));
      await expect(farB.push('ann', 'x')).resolves.toMatchObject({ status: 'forwarded' });
      await expect(farA.push('ann', 'x')).resolves.toEqual(OFFLINE);
      expect(line.heard).toEqual(['x']);
      expect(() => make('a')).toThrow(InvalidOptionsError);
    });

    it('have names that may hold anything', async () => {
      const names = ['a{b', 'a%7Bb', 'a}b', 'ä b:*', 'a.b', '>', 'ab'];
      const made = await hubs(
        ...names.flatMap((hub): [string, string][] => [
          [hub, 'n0'],
          [hub, 'n1'],
        ]),
      );
      const [first, second, ...others] = made as [ConnHub, ConnHub, ...ConnHub[]];
      const ids = ['id {:*} | , / ü\n', '*', '>', '.', 'a b', 'x'.repeat(256), 'ü'.repeat(256)];
      for (const id of ids) {
        const line = new Line();
        first.add(id, line, { meta: `a|b|c${id}` });
        await until(() => isAt(second, id, 'n0'));
        await expect(second.presence(id)).resolves.toMatchObject({ connections: [{ meta: `a|b|c${id}` }] });
        await expect(second.push(id, 'x')).resolves.toMatchObject({ status: 'forwarded' });
        for (const far of others) await expect(far.push(id, 'x')).resolves.toEqual(OFFLINE);
        expect(line.heard).toEqual(['x']);
      }
    });
  });
}
