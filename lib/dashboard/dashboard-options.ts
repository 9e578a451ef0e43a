import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import * as v from 'valibot';
import { parseDuration } from '../core/duration.js';
import { readFields } from '../core/fields.js';
import type { Duration } from '../core/index.js';
import { optionProblems } from '../core/options.js';
import { InvalidRootOptionsError } from '../nest/module-errors.js';
import type { AsyncOptions } from '../nest/module-options.js';
import { DASHBOARD_ACTIONS, type DashboardAction } from './actions.js';
import { UnguardedDashboardError } from './dashboard-errors.js';
import { hostName } from './known-host.js';

/** What the factory of `forRootAsync()` makes. */
export interface ConnPoolDashboardModuleOptions {
  /** Of the page. Default `'Connections'`. */
  title?: string;
  /** Between two looks at the pools, while somebody watches. From 100 ms to 10 s; default `'500ms'`. */
  interval?: Duration;
  /** What the page may do to pools: nothing, everything, or these. Default `false`. */
  actions?: boolean | readonly DashboardAction[];
  /** Begin in production although the module knows of no guards, as something else keeps strangers out. Default `false`. */
  unguarded?: boolean;
  /**
   * Names that the page is opened by, without ports; addresses and `localhost` are always among them. Default: none
   * without guards, and any with guards.
   */
  hosts?: readonly string[];
  /** `false`: there is no page, and its addresses answer 404. Default `true`. */
  enabled?: boolean;
}

/** Where the page is and who may see it: known before any factory runs, as routes are. */
export interface ConnPoolDashboardPlace extends Pick<ModuleMetadata, 'imports'> {
  /** Under the application's global prefix, whatever its versioning. Default `'conn-pool'`. */
  path?: string;
  /** As for `@UseGuards()`; what guards inject comes from `imports` or from global modules. Default none. */
  guards?: readonly (Type<CanActivate> | CanActivate)[];
}

/** The options of `forRoot()`. */
export interface ConnPoolDashboardRootOptions
  extends ConnPoolDashboardModuleOptions, ConnPoolDashboardPlace {}

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface ConnPoolDashboardOptionsFactory {
  createConnPoolDashboardOptions(): ConnPoolDashboardModuleOptions | Promise<ConnPoolDashboardModuleOptions>;
}

/** The options of `forRootAsync()`. */
export interface ConnPoolDashboardRootAsyncOptions
  extends
    AsyncOptions<ConnPoolDashboardModuleOptions, ConnPoolDashboardOptionsFactory>,
    Pick<ConnPoolDashboardPlace, 'path' | 'guards'> {}

/** Complete, in milliseconds. */
export interface DashboardSettings {
  readonly title: string;
  readonly interval: number;
  readonly actions: readonly DashboardAction[];
  readonly enabled: boolean;
  /** In lower case; `undefined`: any. */
  readonly hosts: readonly string[] | undefined;
}

export const DEFAULT_PATH = 'conn-pool';

const FASTEST = 100;
const SLOWEST = 10_000;

const flag = v.custom<boolean>((value) => typeof value === 'boolean', 'true or false');
const actionNames = DASHBOARD_ACTIONS.map((name) => `'${name}'`).join(', ');

/** Every option with what it allows and, as the fallback, its default. */
const FIELDS = {
  title: v.optional(
    v.custom<string>((value) => typeof value === 'string' && value.trim() !== '', 'a text that is not empty'),
    'Connections',
  ),
  interval: v.optional(
    v.pipe(
      v.custom<Duration>((value) => {
        const ms = parseDuration(value);
        return ms !== undefined && ms >= FASTEST && ms <= SLOWEST;
      }, "a duration from 100 ms to 10 s, in milliseconds or as text such as '1s'"),
      v.transform((value) => parseDuration(value) as number),
    ),
    '500ms',
  ),
  actions: v.optional(
    v.custom<boolean | readonly DashboardAction[]>(
      (value) => typeof value === 'boolean' || (Array.isArray(value) && value.every(isAction)),
      `true, false or an array of ${actionNames}`,
    ),
    false,
  ),
  unguarded: v.optional(flag, false),
  enabled: v.optional(flag, true),
  hosts: v.optional(
    v.pipe(
      v.custom<readonly string[]>(
        (value) => Array.isArray(value) && value.every(isHostName),
        "an array of names such as 'ops.example', without ports",
      ),
      v.transform((names) => names.map((name) => name.toLowerCase())),
    ),
  ),
};

const SCHEMA = v.object(FIELDS);

function isAction(value: unknown): boolean {
  return (DASHBOARD_ACTIONS as readonly unknown[]).includes(value);
}

function isHostName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && hostName(value) === value.toLowerCase();
}

/**
 * Fills in the defaults and checks everything.
 *
 * @throws InvalidRootOptionsError with every bad field; UnguardedDashboardError
 */
export function resolveDashboardOptions(
  options: ConnPoolDashboardModuleOptions | undefined,
  { path = DEFAULT_PATH, guards = [] }: ConnPoolDashboardPlace,
): DashboardSettings {
  const { fields, problems } = readFields(options ?? {}, Object.keys(FIELDS));
  problems.push(...optionProblems(FIELDS, fields as Record<string, unknown>));
  if (problems.length > 0) throw new InvalidRootOptionsError('ConnPoolDashboardModule has', problems);
  const { title, interval, actions, unguarded, enabled, hosts } = v.parse(SCHEMA, fields);
  const hasGuards = guards.length > 0;
  if (enabled && !hasGuards && !unguarded && process.env.NODE_ENV === 'production')
    throw new UnguardedDashboardError(path);
  // Credentials are for one name; a guard sees none of them under another.
  const names = hosts ?? (hasGuards ? undefined : []);
  return { title, interval, enabled, actions: listed(actions), hosts: names };
}

function listed(actions: boolean | readonly DashboardAction[]): readonly DashboardAction[] {
  if (actions === true) return DASHBOARD_ACTIONS;
  return actions === false ? [] : actions;
}
