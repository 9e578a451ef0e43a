import type { IncomingMessage } from 'node:http';
import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import type { ManagedPool, PoolSize } from '../core/index.js';
import { causeText } from '../nest/cause-text.js';
import { canDo, type DashboardAction, perform } from './actions.js';
import type { DashboardSettings } from './dashboard-options.js';
import { DASHBOARD_SETTINGS } from './dashboard-tokens.js';
import { isSameOrigin } from './same-origin.js';
import { Sights } from './sights.js';
import { Ticket } from './ticket.js';

/** The header that a page of another site cannot send along without being asked whether it may. */
const TOKEN_HEADER = 'x-conn-pool-token';
const SIZES = ['max', 'min', 'maxIdle'] as const;

/** Does to pools what the page asks for, if it may. */
@Injectable()
export class Steering {
  private readonly logger = new Logger('ConnPool');

  constructor(
    private readonly sights: Sights,
    @Inject(DASHBOARD_SETTINGS) private readonly settings: DashboardSettings,
    private readonly ticket: Ticket,
  ) {}

  /** @returns a sentence for whoever asked */
  async steer(request: IncomingMessage): Promise<{ done: string }> {
    if (this.settings.actions.length === 0) throw new NotFoundException();
    this.admit(request);
    // In the query: whether there is a parser for bodies, and which, is the application's choice.
    const asked = new URLSearchParams(request.url?.split('?', 2)[1]);
    const action = this.actionOf(asked);
    const pool = this.poolOf(asked, action);
    const done = await this.act(pool, action, sizeOf(asked));
    this.logger.log(`Dashboard, ${action}. ${done}`);
    return { done };
  }

  private admit(request: IncomingMessage): void {
    if (!isSameOrigin(request)) throw new ForbiddenException('Only a page of this site may do that.');
    if (!this.ticket.admits(request.headers[TOKEN_HEADER])) {
      throw new ForbiddenException('The page is of another instance of the application. Reload it.');
    }
  }

  private actionOf(asked: URLSearchParams): DashboardAction {
    const { actions } = this.settings;
    const action = actions.find((each) => each === asked.get('do'));
    if (action === undefined)
      throw new BadRequestException(`There is no such action; there are ${actions.join(', ')}.`);
    return action;
  }

  private poolOf(asked: URLSearchParams, action: DashboardAction): ManagedPool {
    const pool = this.sights.pool(asked.get('pool') ?? '');
    if (pool === undefined) throw new NotFoundException('There is no such pool any more.');
    if (!canDo(pool, action)) throw new BadRequestException(`Pools of this kind have no "${action}".`);
    return pool;
  }

  private async act(pool: ManagedPool, action: DashboardAction, size: PoolSize): Promise<string> {
    try {
      return await perform(pool, action, size);
    } catch (error) {
      throw new ConflictException(causeText(error), { cause: error });
    }
  }
}

/** What is no number becomes NaN, which the pool refuses with a word about what it allows. */
function sizeOf(asked: URLSearchParams): PoolSize {
  const given = SIZES.filter((name) => asked.has(name));
  return Object.fromEntries(given.map((name) => [name, Number(asked.get(name) || NaN)]));
}
