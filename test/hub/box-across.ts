import type { ConnHub, ConnHubOptions } from 'nestjs-conn-pool/hub';
import type { Fleet } from './fleet.js';
import { BoxClient } from './told.js';
import { until } from './until.js';

const QUEUED = { status: 'queued', connections: 0 };

/** What holds of a box of several instances, whichever backplane keeps it. */
export function boxAcrossInstances(
  started: (count: number, options: ConnHubOptions) => Promise<Fleet>,
): void {
  const isAt = async (hub: ConnHub, id: string, node: string | undefined): Promise<boolean> =>
    (await hub.presence(id)).connections[0]?.node === node;

  it('keeps what is pushed on one instance for a client that comes to another', async () => {
    const { hubs } = await started(3, { box: {} });
    const [a, b, c] = hubs as [ConnHub, ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    expect(client.told).toEqual([{ hub: { epoch: expect.any(String) as string, offset: 0 } }]);
    await until(() => isAt(b, 'ann', 'n0'));
    await expect(a.push('ann', '1')).resolves.toEqual({ status: 'sent', connections: 1 });
    await expect(b.push('ann', '2')).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n0' });
    await client.gone(a, 'ann');
    await until(() => isAt(b, 'ann', undefined));
    await expect(b.push('ann', { third: 'é "3"' })).resolves.toEqual(QUEUED);
    await expect(c.push('ann', Buffer.from([255]), { binary: true })).resolves.toEqual(QUEUED);
    await expect(c.push('ann', '5', { ack: true })).resolves.toEqual({ ...QUEUED, acked: false });
    const back = await BoxClient.join(c, 'ann', client.position);
    await until(() => back.told.length === 4);
    expect(back.line.heard).toEqual([
      JSON.stringify({ hub: { epoch: client.hello.epoch, offset: 5, recovered: true, missed: 3 } }),
      '{"offset":3,"data":{"third":"é \\"3\\""}}',
      '{"offset":4,"base64":"/w=="}',
      '{"offset":5,"data":"5"}',
    ]);
    expect(c.stats().totals).toMatchObject({ resumed: 3, notRecovered: 0 });
    expect(b.stats().totals.pushed).toMatchObject({ queued: 1, forwarded: 1 });
  });

  it('says that it could not, for a position that nothing resumes from', async () => {
    const { hubs } = await started(2, { box: { size: 2 } });
    const [a, b] = hubs as [ConnHub, ConnHub];
    for (const text of ['1', '2', '3']) await a.push('ann', text);
    const { epoch, offset } = (await BoxClient.join(b, 'ann')).hello;
    expect(offset).toBe(3);
    for (const position of [
      { epoch: 'other', offset: 2 },
      { epoch: '', offset: 0 },
      { epoch: 'x'.repeat(5000), offset: 2 },
      { epoch, offset: 0 },
      { epoch, offset: 4 },
      { epoch, offset: 2 ** 60 },
      { epoch, offset: -1 },
      { epoch, offset: NaN },
      { epoch, offset: 1.5 },
      { offset: 0 },
      { offset: 2 },
    ]) {
      const { told } = await BoxClient.join(b, 'ann', position);
      expect([position, told]).toEqual([position, [{ hub: { epoch, offset: 3, recovered: false } }]]);
    }
    expect(b.stats().totals).toMatchObject({ resumed: 0, notRecovered: 11 });
    const back = await BoxClient.join(b, 'ann', { epoch, offset: 1 });
    await until(() => back.texts.length === 2);
    expect(back.texts).toEqual(['2', '3']);
    // Of three messages that reached nobody one had to give way.
    expect(a.stats().totals.dropped).toBe(1);
  });

  it('keeps as many bytes and ids as it may', async () => {
    const { hubs, told } = await started(2, { box: { maxBytes: 10, maxIds: 2 } });
    const [a, b] = hubs as [ConnHub, ConnHub];
    for (const text of ['aaaa', 'bbbb', 'cccc']) await expect(a.push('ann', text)).resolves.toEqual(QUEUED);
    await expect(a.push('bob', 'x'.repeat(11))).resolves.toEqual({ status: 'offline', connections: 0 });
    await expect(a.push('bob', 'xx')).resolves.toEqual(QUEUED);
    expect(a.stats().totals.dropped).toBe(1);
    const all = await BoxClient.join(b, 'ann', { offset: 0 });
    const two = await BoxClient.join(b, 'ann', { epoch: all.hello.epoch, offset: 1 });
    await until(() => two.texts.length === 2);
    expect([all.hello.recovered, two.texts]).toEqual([false, ['bbbb', 'cccc']]);
    // bob has been quiet for longest.
    await a.push('cat', 'x');
    await until(() => a.stats().totals.dropped === 2);
    expect(told[0]!.filter((text) => text.startsWith('dropped'))).toEqual([
      'dropped ann box',
      'dropped bob box',
    ]);
    expect((await BoxClient.join(b, 'bob', { offset: 0 })).hello).toMatchObject({
      recovered: true,
      missed: 0,
    });
  });

  it('keeps messages as long as it may', async () => {
    const { hubs } = await started(2, { box: { ttl: 300 } });
    const [a, b] = hubs as [ConnHub, ConnHub];
    const { hello } = await BoxClient.join(a, 'ann');
    await a.push('ann', '1');
    await until(
      async () => (await BoxClient.join(b, 'ann', { ...hello, offset: 0 })).hello.recovered === false,
    );
    expect((await BoxClient.join(b, 'ann', { ...hello, offset: 1 })).hello).toMatchObject({
      recovered: true,
      missed: 0,
    });
  });

  it('sends each message once and in order, whoever pushes it and while a resume is running', async () => {
    const { hubs } = await started(3, { box: { size: 1000 } });
    let client = await BoxClient.join(hubs[0]!, 'ann');
    const heard: unknown[] = [];
    const pushed: Promise<{ status: string }>[] = [];
    let next = 0;
    const pushSome = (): void => {
      for (const hub of hubs) for (let i = 0; i < 5; i += 1) pushed.push(hub.push('ann', `${(next += 1)}`));
    };
    for (let round = 1; round <= 6; round += 1) {
      pushSome();
      await new Promise((resolve) => setImmediate(resolve));
      client.line.hangUp();
      heard.push(...client.texts);
      const at = client.position;
      pushSome();
      client = BoxClient.add(hubs[round % 3]!, 'ann', at);
      pushSome();
      await until(() => client.told.length > 0);
      expect(client.hello.recovered).toBe(true);
      expect(client.hello.missed).toBe(client.hello.offset! - at.offset);
    }
    const statuses = new Set((await Promise.all(pushed)).map(({ status }) => status));
    expect([...statuses].filter((each) => !['sent', 'forwarded', 'queued'].includes(each))).toEqual([]);
    await until(() => heard.length + client.texts.length >= next);
    heard.push(...client.texts);
    expect(heard.map(Number).sort((x, y) => x - y)).toEqual(Array.from({ length: next }, (_, i) => i + 1));
    const { numbers } = client;
    expect(numbers).toEqual(numbers.map((_, i) => Number(numbers[0]) + i));
  });

  it("reaches every connection of an id with 'multi', wherever it is, tells of all, and hears the first that acknowledges", async () => {
    const { hubs } = await started(2, { box: {}, onDuplicate: 'multi' });
    const [a, b] = hubs as [ConnHub, ConnHub];
    const [phone, laptop] = [await BoxClient.join(a, 'ann'), await BoxClient.join(b, 'ann')];
    await until(async () => (await a.presence('ann')).connections.length === 2);
    await expect(a.push('ann', '1')).resolves.toEqual({ status: 'sent', connections: 2 });
    const lines = b.get('ann')[0]!.lines();
    const acked = a.push('ann', '2', { ack: true });
    await until(() => laptop.texts.length === 2);
    laptop.line.say('{"ack":2}\n');
    await expect(acked).resolves.toMatchObject({ acked: true });
    await lines.return?.();
    expect([phone.texts, laptop.texts]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it('passes acknowledgements on by the numbers of the id', async () => {
    const { hubs } = await started(2, { box: {} });
    const [a, b] = hubs as [ConnHub, ConnHub];
    await a.push('ann', '1');
    const client = await BoxClient.join(b, 'ann');
    const lines = b.get('ann')[0]!.lines();
    await until(() => isAt(a, 'ann', 'n1'));
    const pushed = a.push('ann', '2', { ack: true });
    await until(() => client.numbers.length === 1);
    client.line.say('{"ack":2}\n');
    await expect(pushed).resolves.toEqual({ status: 'forwarded', connections: 1, node: 'n1', acked: true });
    await lines.return?.();
    const cut = a.push('ann', '3', { ack: true });
    await until(() => client.numbers.length === 2);
    client.line.hangUp();
    await expect(cut).resolves.toEqual({ status: 'queued', connections: 1, acked: false });
  });

  it('tells of a message that was sent, did not arrive, and has to give way', async () => {
    const { hubs } = await started(2, { box: { size: 2 } });
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    await until(() => isAt(b, 'ann', 'n0'));
    await b.push('ann', 'arrived');
    (client.line as { _write: unknown })._write = () => undefined;
    const near = a.push('ann', '1');
    await until(() => client.line.writableLength > 0);
    const far = b.push('ann', '2');
    await until(() => a.stats().queuedMessages > 0);
    client.line.hangUp();
    await expect(near).resolves.toEqual(QUEUED);
    await expect(far).resolves.toEqual(QUEUED);
    const dropped = (): number => a.stats().totals.dropped + b.stats().totals.dropped;
    const before = dropped();
    await until(() => isAt(b, 'ann', undefined));
    await b.push('ann', '3');
    expect(dropped()).toBe(before + 1);
    await b.push('ann', '4');
    expect(dropped()).toBe(before + 2);
  });

  it('outlives the instance that filled it', async () => {
    const { hubs } = await started(2, { box: {} });
    const [a, b] = hubs as [ConnHub, ConnHub];
    const client = await BoxClient.join(a, 'ann');
    (client.line as { _write: unknown })._write = () => undefined;
    const stuck = a.push('ann', '1');
    await until(() => client.line.writableLength > 0);
    await a.close({ drain: 0 });
    await expect(stuck).resolves.toEqual(QUEUED);
    const back = await BoxClient.join(b, 'ann', client.position);
    await until(() => back.texts.length === 1);
    expect(back.texts).toEqual(['1']);
  });
}
