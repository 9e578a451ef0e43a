import { ConnHub, type ConnHubOptions } from 'nestjs-conn-pool/hub';
import { Line } from './fleet.js';

/** A stream of which each write takes a while, as far as the machine is concerned. */
class Dear extends Line {
  override _write(chunk: Buffer, encoding: string, done: () => void): void {
    const end = performance.now() + 1;
    while (performance.now() < end);
    super._write(chunk, encoding as never, done);
  }
}

const COUNT = 200;
/** Far fewer than there are, for each of them takes a millisecond. */
const FEW = COUNT / 4;

describe('a broadcast to many, before which other things must be written', () => {
  const open: ConnHub[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((hub) => hub.close({ drain: 0 })))));

  /** Each has something waiting, and may have no more. */
  function crowd(options: ConnHubOptions = {}): { hub: ConnHub; lines: Line[]; told: Promise<unknown>[] } {
    const hub = new ConnHub({ maxQueueMessages: 1, heartbeatInterval: 0, ...options });
    open.push(hub);
    const lines = Array.from({ length: COUNT }, (_, i) => {
      const line = new Dear();
      hub.add(`${i}`, line, { groups: ['all'] });
      return line;
    });
    return { hub, lines, told: lines.map((_, i) => hub.push(`${i}`, '1')) };
  }
  const written = (lines: readonly Line[]): number => lines.reduce((sum, { heard }) => sum + heard.length, 0);

  it('does not hold the event loop, nor do several of one turn', async () => {
    const { hub, lines, told } = crowd();
    const casts = ['2', '3', '4'].map((text) => hub.broadcast(text));
    expect(written(lines)).toBeLessThan(FEW);
    let [turns, most, before] = [0, 0, written(lines)];
    const count = (): void => {
      turns += 1;
      most = Math.max(most, written(lines) - before);
      before = written(lines);
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const results = await Promise.all(casts);
    clearImmediate(counting);
    expect(results).toEqual(Array(3).fill({ connections: COUNT, refused: 0, forwarded: false }));
    expect(turns).toBeGreaterThanOrEqual(4);
    expect(most).toBeLessThan(FEW);
    await Promise.all(told);
    for (const { heard } of lines) expect(heard).toEqual(['1', '2', '3', '4']);
  });

  it('comes before what is said to one of them afterwards', async () => {
    const { hub, lines } = crowd({ onDuplicate: 'multi' });
    const twin = new Dear();
    hub.add(`${COUNT - 1}`, twin);
    const casts = [hub.broadcast('2'), hub.broadcast('3', { except: [`${COUNT - 2}`] })];
    const afterwards = [
      hub.push(`${COUNT - 1}`, '4'),
      hub.push(`${COUNT - 2}`, '4', { key: 'k' }),
      hub.push(`${COUNT - 3}`, '4', { ack: true }),
    ];
    expect(written(lines)).toBeLessThan(FEW);
    await Promise.all([...casts, ...afterwards.slice(0, 2)]);
    expect([lines[COUNT - 1]!.heard, twin.heard, lines[COUNT - 2]!.heard, lines[COUNT - 3]!.heard]).toEqual([
      ['1', '2', '3', '4'],
      ['2', '3', '4'],
      ['1', '2', '4'],
      ['1', '2', '3', '{"offset":1,"data":"4"}'],
    ]);
    await expect(Promise.all(casts)).resolves.toMatchObject([
      { connections: COUNT + 1 },
      { connections: COUNT },
    ]);
  });

  it('goes to those who were there, whoever comes, leaves the group or is deleted meanwhile', async () => {
    const { hub, lines } = crowd();
    const cast = hub.broadcast('2', { group: 'all' });
    hub.leave(`${COUNT - 1}`, 'all');
    hub.delete(`${COUNT - 2}`);
    lines[COUNT - 3]!.hangUp();
    const late = new Line();
    hub.add('late', late, { groups: ['all'] });
    await expect(cast).resolves.toEqual({ connections: COUNT - 1, refused: 1, forwarded: false });
    expect([lines[COUNT - 1]!.heard, lines[COUNT - 2]!.heard, late.heard]).toEqual([
      ['1', '2'],
      ['1', '2'],
      [],
    ]);
  });

  it('[W7] is said before the good-bye of a hub that closes', async () => {
    const { hub, lines } = crowd();
    const cast = hub.broadcast('2');
    await hub.close();
    await expect(cast).resolves.toMatchObject({ connections: COUNT, refused: 0 });
    for (const { heard } of lines) expect(heard).toEqual(['1', '2']);
  });
});
