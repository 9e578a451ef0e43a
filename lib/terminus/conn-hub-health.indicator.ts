import { Inject, Injectable, Optional } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { parseDuration } from '../core/duration.js';
import type { Duration } from '../core/index.js';
import type { HubHealth, HubRegistry } from '../hub/index.js';
import { InvalidHubOptionsError, UnknownHubError } from '../hub/hub-errors.js';
import { MissingHubRootModuleError } from '../hub/nest/hub-module-errors.js';
import { HUB_REGISTRY } from '../hub/nest/hub-tokens.js';
import { causeText } from '../nest/cause-text.js';
import { withDeadline } from '../nest/deadline.js';

export interface HubPingOptions {
  /** Which hub. Default: the key. */
  hub?: string;
  /** The answer comes within this time. Above 0 and finite; default `'1s'`. */
  timeout?: Duration;
}

/**
 * Asks a hub for its health.
 *
 * - `up`, with `{ connections, queuedMessages, queuedBytes }` and, where there is a backplane, `{ backplane: { kind, state, lagMs } }`
 * - `down`, with a `message` and, where there is one, a `cause`: its backplane is down, so that only those connected to this
 *   instance are reached; or the hub is closing, closed or unknown
 */
@Injectable()
export class ConnHubHealthIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    @Optional() @Inject(HUB_REGISTRY) private readonly registry?: HubRegistry,
  ) {}

  /**
   * The health of one hub.
   *
   * @param key - in the result; the hub's name unless `hub` says otherwise
   * @throws InvalidOptionsError for a `timeout` that is none, MissingHubRootModuleError
   *
   * @example
   * this.health.check([() => this.hubs.pingCheck('chat')])
   */
  async pingCheck<const Key extends string>(
    key: Key,
    { hub: name = key, timeout = '1s' }: HubPingOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const limit = limitOf(name, timeout);
    if (this.registry === undefined) throw new MissingHubRootModuleError(name);
    const session = this.health.check(key);
    const hub = this.registry.find(name);
    if (hub === undefined) {
      return session.down({ message: new UnknownHubError(name, this.registry.names()).message });
    }
    try {
      const found = await withDeadline(() => hub.health(), limit, 'no answer');
      const { state, ...counts } = found;
      if (state === 'up') return session.up(counts);
      return session.down({ ...whyDown(name, hub.state, found), ...counts });
    } catch (error) {
      const cause = causeText(error);
      return session.down({ message: `Hub "${name}" cannot be checked: ${cause}`, cause });
    }
  }
}

function whyDown(name: string, phase: string, { backplane }: HubHealth): { message: string; cause?: string } {
  if (phase !== 'open') return { message: `Hub "${name}" is ${phase}.` };
  const cause = backplane?.error ?? 'no cause is known';
  return { message: `Hub "${name}" reaches this instance only: its backplane is down: ${cause}`, cause };
}

function limitOf(hub: string, timeout: Duration): number {
  const ms = parseDuration(timeout);
  if (ms !== undefined && ms > 0 && ms < Infinity) return ms;
  const allowed = "a finite duration above 0, in milliseconds or as text such as '1s'";
  throw new InvalidHubOptionsError(hub, [{ path: 'timeout', given: timeout, allowed }]);
}
