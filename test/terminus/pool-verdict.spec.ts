import type { HeartbeatReport, PoolStats } from 'nestjs-conn-pool/core';
import { verdictOfError, verdictOfReport, verdictOfState } from '../../lib/terminus/pool-verdict.js';

function judge(report: Partial<HeartbeatReport>, counts: Partial<PoolStats> = {}) {
  const none = { size: 0, idle: 0, leased: 0, dialing: 0, checking: 0, closing: 0, waiting: 0 };
  const stats = { name: 'p', state: 'open', max: 4, ...none, ...counts } as PoolStats;
  return verdictOfReport('p', stats, { checked: 0, healthy: 0, failed: 0, latencyMs: 0, ...report });
}

describe('the verdict on a pool', () => {
  it('is up when a connection answers, whatever others do', () => {
    expect(judge({ checked: 1, healthy: 1 })).toEqual({ status: 'up' });
    expect(judge({ checked: 3, healthy: 1, failed: 2, cause: new Error('x') })).toEqual({ status: 'up' });
    expect(judge({ checked: 1, healthy: 1 }, { size: 4, leased: 3, waiting: 9 })).toEqual({ status: 'up' });
  });

  it('is down when all that were asked fail, with the cause', () => {
    expect(judge({ checked: 2, failed: 2, cause: new Error('connect ECONNREFUSED') })).toEqual({
      status: 'down',
      message: 'Pool "p" had no good answer from all 2 connections it asked: connect ECONNREFUSED',
      cause: 'connect ECONNREFUSED',
    });
    expect(judge({ checked: 1, failed: 1 })).toEqual({
      status: 'down',
      message: 'Pool "p" had no good answer from its connection',
    });
  });

  it('is degraded when all connections are at work', () => {
    expect(judge({}, { size: 4, leased: 4, waiting: 2 })).toEqual({
      status: 'degraded',
      message: 'Pool "p" is saturated: 4 of 4 connections are leased, 2 waiting.',
    });
    expect(judge({}, { size: 6, leased: 6 }).status).toBe('degraded');
    expect(judge({}, { size: 4, leased: 3, checking: 1 }).status).toBe('degraded');
    expect(judge({}, { size: 4, leased: 1, closing: 3 }).status).toBe('degraded');
  });

  it('is down when the pool is full of connections that are being closed', () => {
    expect(judge({}, { size: 4, closing: 4 })).toEqual({
      status: 'down',
      message: 'Pool "p" has no connection to lend: 4 of 4 are being closed.',
    });
  });

  it('is up for a pool that is not full and cannot dial by itself', () => {
    expect(judge({})).toEqual({ status: 'up' });
    expect(judge({}, { size: 2, leased: 2 })).toEqual({ status: 'up' });
    expect(judge({}, { size: 9, leased: 9, max: 0 })).toEqual({ status: 'up' });
    expect(judge({}, { size: 9, leased: 9, max: Infinity })).toEqual({ status: 'up' });
  });

  it.each(['paused', 'draining', 'closed'] as const)('is down for one that is %s', (state) => {
    expect(verdictOfState('p', state)).toEqual({ status: 'down', message: `Pool "p" is ${state}.` });
  });

  it('is not given by the state of one that is open', () => {
    expect(verdictOfState('p', 'open')).toBeUndefined();
  });

  it('is down when it cannot be had', () => {
    expect(verdictOfError('p', new Error('redis://me:secret@host is gone'))).toEqual({
      status: 'down',
      message: 'Pool "p" cannot be checked: redis://***@host is gone',
      cause: 'redis://***@host is gone',
    });
  });
});
