import {
  FakeCallError,
  FakeClock,
  FakeConn,
  FakeOwnershipError,
  fakeConnector,
} from 'nestjs-conn-pool/testing';

const DIAL = { signal: new AbortController().signal, attempt: 1, meta: undefined, pool: 'test' };
const CHECK = { signal: DIAL.signal, meta: undefined, pool: 'test' };
const CLOSE = { reason: 'idle-timeout', meta: undefined, pool: 'test' } as const;

describe('fakeConnector', () => {
  it('has the optional calls only when asked', () => {
    const bare = fakeConnector();
    for (const call of ['heartbeat', 'reset', 'isAlive', 'watch', 'isFatal', 'isPermanent'])
      expect(call in bare).toBe(false);
    const full = fakeConnector({
      heartbeat: true,
      reset: true,
      isAlive: true,
      watch: true,
      isFatal: () => true,
      isPermanent: () => false,
    });
    for (const call of ['heartbeat', 'reset', 'isAlive', 'watch', 'isFatal', 'isPermanent'] as const)
      expect(typeof full[call]).toBe('function');
    expect('heartbeat' in fakeConnector({ heartbeat: false as boolean })).toBe(false);
  });

  it('dials connections, counts them and remembers the contexts', async () => {
    const connector = fakeConnector<string>();
    const context = { ...DIAL, meta: 'meta' };
    const conn = await connector.dial(context);
    expect(conn).toBeInstanceOf(FakeConn);
    expect([conn.serial, conn.alive, conn.closed]).toEqual([1, true, false]);
    expect((await connector.dial(context)).serial).toBe(2);
    expect(connector.dial.count).toBe(2);
    expect(connector.dial.calls[0]?.context).toBe(context);
    expect(connector.dial.calls[0]?.conn).toBe(conn);
    expect(connector.conns.map(({ serial }) => serial)).toEqual([1, 2]);
  });

  it('answers as it was told, one after the other, then as always', async () => {
    const connector = fakeConnector();
    const broken = new Error('broken');
    connector.dial.always({ fail: broken });
    connector.dial.next('ok', 'fail', 'throw', { throw: broken }, 'sync');
    await expect(connector.dial(DIAL)).resolves.toBeInstanceOf(FakeConn);
    await expect(connector.dial(DIAL)).rejects.toEqual(new FakeCallError('dial', 2));
    expect(() => connector.dial(DIAL)).toThrow(FakeCallError);
    expect(() => connector.dial(DIAL)).toThrow(broken);
    expect(connector.dial(DIAL)).toBeInstanceOf(FakeConn);
    await expect(connector.dial(DIAL)).rejects.toBe(broken);
    await expect(connector.dial(DIAL)).rejects.toBe(broken);
    connector.dial.next({ fail: undefined });
    await expect(connector.dial(DIAL)).rejects.toBe(undefined);
  });

  it('hangs until the test answers', async () => {
    const connector = fakeConnector();
    connector.dial.next('hang', 'hang');
    const [first, second] = [connector.dial(DIAL), connector.dial(DIAL)];
    expect(connector.dial.open).toHaveLength(2);
    expect(connector.conns).toHaveLength(0);
    connector.dial.calls[1]?.resolve();
    connector.dial.calls[1]?.reject();
    expect((await second).serial).toBe(1);
    connector.dial.open[0]?.reject(new Error('no'));
    await expect(first).rejects.toThrow('no');
    expect(connector.dial.open).toHaveLength(0);
  });

  it('holds a call at a gate, which may be opened before or after the call', async () => {
    const connector = fakeConnector();
    const later = connector.dial.gate();
    const early = connector.dial.gate();
    early.reject(new Error('early'));
    expect(later.called).toBe(false);
    const dialing = connector.dial(DIAL);
    expect(later.called).toBe(true);
    await expect(connector.dial(DIAL)).rejects.toThrow('early');
    later.resolve();
    expect((await dialing).serial).toBe(1);
    expect(later.call?.settled).toBe(true);
  });

  it('is late on its clock, and obeys a signal when told to', async () => {
    const clock = new FakeClock();
    const connector = fakeConnector({ clock });
    connector.dial.next({ after: '2s' }, { after: 500, fail: new Error('slow no') }, 'obey');
    const late = connector.dial(DIAL);
    const failing = expect(connector.dial(DIAL)).rejects.toThrow('slow no');
    const abort = new AbortController();
    const obeying = expect(connector.dial({ ...DIAL, signal: abort.signal })).rejects.toThrow('enough');
    await clock.advance(1999);
    expect(connector.conns).toHaveLength(0);
    await failing;
    await clock.advance(1);
    expect((await late).serial).toBe(1);
    abort.abort(new Error('enough'));
    await obeying;
    expect(clock.refs).toBe(0);
  });

  it('taps each call before it answers', async () => {
    const connector = fakeConnector();
    const seen: boolean[] = [];
    connector.dial.tap((call) => seen.push(call.settled));
    await connector.dial(DIAL);
    connector.dial.tap(undefined);
    await connector.dial(DIAL);
    expect(seen).toEqual([false]);
  });

  it('closes, and keeps a list of what is live and what is closed', async () => {
    const connector = fakeConnector();
    const [a, b] = [await connector.dial(DIAL), await connector.dial(DIAL)];
    connector.close.next('hang');
    const closing = connector.close(a, CLOSE);
    expect(a.closed).toBe(true);
    expect(connector.closed).toEqual([a]);
    expect(connector.live).toEqual([a, b]);
    connector.close.open[0]?.resolve();
    await closing;
    expect(connector.live).toEqual([b]);
    expect(connector.close.calls[0]?.context.reason).toBe('idle-timeout');
    expect(connector.peak).toBe(2);
  });

  it('counts dials under way in its peak, but not those that failed', async () => {
    const connector = fakeConnector();
    connector.dial.next('fail', 'hang');
    await Promise.allSettled([connector.dial(DIAL)]);
    void connector.dial(DIAL);
    void connector.dial(DIAL);
    expect(connector.peak).toBe(2);
  });

  it('fails a heartbeat or a reset on a connection that is dead; a reset cleans the state', async () => {
    const connector = fakeConnector({ heartbeat: true, reset: true, isAlive: true });
    const conn = await connector.dial(DIAL);
    conn.state = 'dirty';
    await connector.heartbeat(conn, CHECK);
    expect(conn.state).toBe('dirty');
    await connector.reset(conn, CHECK);
    expect(conn.state).toBe(undefined);
    expect(connector.isAlive(conn)).toBe(true);
    conn.dieSilently();
    expect(connector.isAlive(conn)).toBe(false);
    await expect(connector.heartbeat(conn, CHECK)).rejects.toThrow('dead');
    connector.isAlive.next('throw');
    expect(() => connector.isAlive(conn)).toThrow(FakeCallError);
  });

  it('tells who watches, until the watching is stopped', async () => {
    const connector = fakeConnector({ watch: true });
    const [a, b, c] = [await connector.dial(DIAL), await connector.dial(DIAL), await connector.dial(DIAL)];
    const lost: unknown[] = [];
    const stop = connector.watch(a, (cause) => lost.push(cause));
    connector.watch(b, (cause) => lost.push(cause));
    expect([a.watched, b.watched, c.watched]).toEqual([true, true, false]);
    if (typeof stop === 'function') stop();
    expect(a.watched).toBe(false);
    a.die('a');
    b.die('b');
    connector.watch.next('fail');
    connector.watch(c, (cause) => lost.push((cause as Error).message));
    expect(lost).toEqual(['b', 'fake watch 3 failed']);
    expect(c.alive).toBe(false);
  });

  describe('cries out', () => {
    it('when a connection is shared', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const conn = await connector.dial(DIAL);
      const leave = conn.enter();
      expect(() => conn.enter()).toThrow(FakeOwnershipError);
      expect(() => connector.heartbeat(conn, CHECK)).toThrow('shared');
      leave();
      leave();
      expect(conn.inUse).toBe(false);
      connector.heartbeat.next('hang');
      void connector.heartbeat(conn, CHECK);
      expect(() => conn.enter()).toThrow('shared');
      expect(connector.violations.map(({ violation }) => violation)).toEqual(['shared', 'shared', 'shared']);
    });

    it('when a connection is used after close or closed twice', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const conn = await connector.dial(DIAL);
      await connector.close(conn, CLOSE);
      expect(() => conn.enter()).toThrow('used after close');
      expect(() => connector.heartbeat(conn, CHECK)).toThrow('used after close');
      expect(() => connector.close(conn, CLOSE)).toThrow('closed twice');
      expect(connector.closed).toEqual([conn]);
      expect(connector.violations).toHaveLength(3);
    });

    it('when a connection is closed in use, unless by force or dead', async () => {
      const connector = fakeConnector();
      const [a, b, c] = [await connector.dial(DIAL), await connector.dial(DIAL), await connector.dial(DIAL)];
      for (const conn of [a, b, c]) conn.enter();
      await connector.close(a, { ...CLOSE, reason: 'forced' });
      b.dieSilently();
      await connector.close(b, { ...CLOSE, reason: 'lost' });
      expect(connector.violations).toEqual([]);
      expect(() => connector.close(c, CLOSE)).toThrow('closed in use');
      expect(connector.violations).toHaveLength(1);
    });

    it('when it is given a connection of another', async () => {
      const [one, other] = [fakeConnector(), fakeConnector()];
      const conn = await other.dial(DIAL);
      expect(() => one.close(conn, CLOSE)).toThrow('not mine');
    });

    it('when a hung heartbeat is closed for another reason than having failed', async () => {
      const connector = fakeConnector({ heartbeat: true });
      const [a, b] = [await connector.dial(DIAL), await connector.dial(DIAL)];
      connector.heartbeat.always('hang');
      void connector.heartbeat(a, CHECK);
      void connector.heartbeat(b, CHECK);
      await connector.close(a, { ...CLOSE, reason: 'heartbeat-failed' });
      expect(() => connector.close(b, CLOSE)).toThrow('closed in use');
    });
  });
});
