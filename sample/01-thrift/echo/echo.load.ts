import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { EchoService } from './echo.service.js';

/** At the crest there are somewhat more callers than the pool has connections. */
const CREST = 14;
const WAVE = 60_000;

/** A gentle load, for something to be seen: callers come and go in waves of a minute. */
@Injectable()
export class EchoLoad implements BeforeApplicationShutdown {
  private readonly over = new AbortController();

  constructor(private readonly service: EchoService) {}

  /** From now on until the application ends. */
  begin(): void {
    for (let caller = 0; caller < CREST; caller += 1) void this.call(caller, performance.now());
  }

  beforeApplicationShutdown(): void {
    this.over.abort();
  }

  private async call(caller: number, begun: number): Promise<void> {
    const { signal } = this.over;
    while (!signal.aborted) {
      const height = (1 - Math.cos(((performance.now() - begun) / WAVE) * 2 * Math.PI)) / 2;
      if (caller < 1 + height * (CREST - 1))
        await this.service.echo(`caller ${caller}`).catch(() => undefined);
      await delay(20 + Math.random() * 60, undefined, { signal }).catch(() => undefined);
    }
  }
}
