import type { Packet } from '../hub/backplane.js';
import type { Box, BoxLoss, BoxRules, ExactPosition, Found, Position, Posted } from '../hub/box.js';
import type { Delivery } from '../hub/delivery.js';
import { newEpoch } from '../hub/memory-box.js';
import type { Message } from '../hub/message.js';
import { codedText, decodeMessage } from '../hub/packet-codec.js';
import { deliveryOf, isRefusal } from './answers.js';
import type { Asks } from '../hub/asks.js';
import { FewAtOnce } from './few-at-once.js';
import type { RedisNames } from './redis-scripts.js';
import type { RedisSession } from './redis-session.js';
import { TurnBatch } from '../hub/turn-batch.js';

/** The link of a box. */
export interface RedisBoxOwner {
  readonly names: RedisNames;
  readonly node: string;
  /** @throws when there is none */
  session(): RedisSession;
  readonly asks: Asks;
}

/** A message that is to be numbered. */
interface Post {
  readonly id: string;
  readonly isHere: boolean;
  readonly message: Message;
  readonly coded: string;
  /** But for its position, which stands at its end. */
  readonly question: string;
  resolve(posted: {
    at: ExactPosition;
    isKept: boolean;
    isSent: boolean;
    asked: number;
    unreached: number;
  }): void;
  reject(cause: unknown): void;
}

type PostAnswer = [
  epoch: string,
  offset: number,
  isKept: 0 | 1,
  isSent: 0 | 1,
  unreached: number,
  asked: number,
];

/** Posts in one script: nothing else runs in Redis meanwhile. */
const MOST_AT_ONCE = 100;
/** Resumes asked for at once: thousands may come back in one moment, and none of them is to wait beyond the timeout. */
const FEW = 500;
/** A client may come back with its number after so long, though there is no message. Milliseconds. */
const POSITION_LIFE = 24 * 60 * 60 * 1000;
/** Of an epoch: ours are shorter. */
const LONGEST_EPOCH = 64;

/** The box of one hub in Redis, which numbers, keeps and sends in one step. */
export class RedisBox implements Box {
  readonly outlivesHub = true;
  private readonly posts = new TurnBatch<Post>(MOST_AT_ONCE, (posts) => void this.sendPosts(posts));
  private readonly finds = new FewAtOnce(FEW);
  private readonly limits: readonly string[];
  private onLost: ((loss: BoxLoss) => void) | undefined;

  constructor(
    private readonly owner: RedisBoxOwner,
    { size, maxBytes, ttl, maxIds }: BoxRules,
    onLost: (loss: BoxLoss) => void,
  ) {
    this.limits = [size, maxBytes, ttl, Math.max(POSITION_LIFE, 2 * ttl), maxIds].map(String);
    this.onLost = onLost;
  }

  post(id: string, packet: Packet, isHere: boolean): Promise<Posted> {
    const { message, ack, key } = packet;
    const coded = codedText(message);
    const { asks, node } = this.owner;
    return new Promise((resolve) => {
      const elsewhere = asks.ask(ack, (number) => {
        const head = JSON.stringify(['q', number, node, 'f', id, ack ? 1 : 0, key ?? null]);
        const done: Post['resolve'] = ({ at, isKept, isSent, asked, unreached }) => {
          asks.expect(number, asked, unreached);
          resolve({ at, isKept, isSent, elsewhere: delivery });
        };
        const reject = (cause: unknown): void => {
          asks.fail(number, cause as Error);
          resolve({ at: undefined, mayArrive: cause !== NOT_SENT && !isRefusal(cause) });
        };
        const question = `${head.slice(0, -1)},${coded}`;
        const post = { id, isHere, message, coded, question, resolve: done, reject };
        this.posts.add(post, coded.length + question.length);
      });
      const delivery = elsewhere.then(deliveryOf, () => OFFLINE);
    });
  }

  async find(id: string, from: Position | undefined): Promise<Found> {
    const { epoch, offset = 0 } = from ?? {};
    const isSomewhere = Number.isSafeInteger(offset) && offset >= 0 && (epoch?.length ?? 0) <= LONGEST_EPOCH;
    if (from === undefined || !isSomewhere) return this.ask(id, 'top', '', 0);
    if (epoch !== undefined) return this.ask(id, 'from', epoch, offset);
    return this.ask(id, offset === 0 ? 'first' : 'top', '', 0);
  }

  async renew(id: string): Promise<ExactPosition> {
    return (await this.ask(id, 'renew', '', 0)).at;
  }

  miss(id: string, { epoch, offset }: ExactPosition): void {
    const { shelves, lists } = this.owner.names;
    try {
      const told = this.owner.session().run('miss', [shelves + id, lists + id], [epoch, String(offset)]);
      told.catch(() => undefined);
    } catch {
      // Redis is not there.
    }
  }

  close(): void {
    this.onLost = undefined;
  }

  private ask(id: string, what: string, epoch: string, offset: number): Promise<Found> {
    return this.finds.run(() => this.askNow(id, what, epoch, offset));
  }

  private async askNow(id: string, what: string, epoch: string, offset: number): Promise<Found> {
    const session = this.owner.session();
    const { boxes } = this.owner.names;
    const rest = [newEpoch(), id, what, epoch, String(offset)];
    const said = await session.run('find', [boxes], [...this.rules(await session.server()), ...rest]);
    const [lost, present, top, isWhole, ...messages] = said as [
      unknown[],
      string,
      number,
      number,
      ...string[],
    ];
    this.tell(lost);
    return {
      at: { epoch: present, offset: Number(top) },
      missed: isWhole === 1 ? messages.map(readMessage) : undefined,
    };
  }

  private async sendPosts(posts: readonly Post[]): Promise<void> {
    let session: RedisSession;
    try {
      session = this.owner.session();
    } catch {
      for (const { reject } of posts) reject(NOT_SENT);
      return;
    }
    try {
      const said = await this.runPosts(session, posts);
      const [lost, ...answers] = said as [unknown[], ...PostAnswer[]];
      this.tell(lost);
      posts.forEach(({ resolve }, index) => {
        const [epoch, offset, isKept, isSent, unreached, asked] = answers[index] as PostAnswer;
        const at = { epoch, offset: Number(offset) };
        resolve({ at, isKept: isKept === 1, isSent: isSent === 1, asked, unreached });
      });
    } catch (cause) {
      for (const { reject } of posts) reject(cause);
    }
  }

  private async runPosts(session: RedisSession, posts: readonly Post[]): Promise<unknown> {
    const { nodes, places, channels } = this.owner.names;
    const rules = this.rules(await session.server());
    const said = posts.flatMap(({ id, isHere, message, coded, question }) => [
      newEpoch(),
      id,
      isHere ? '1' : '0',
      String(message.bytes),
      coded,
      question,
    ]);
    const keys = [nodes, ...posts.map(({ id }) => places + id)];
    return session.run('post', keys, [...rules, channels, this.owner.node, String(session.limit), ...said]);
  }

  private rules(server: string): string[] {
    const { boxes, shelves, lists } = this.owner.names;
    return [boxes, shelves, lists, server, ...this.limits];
  }

  private tell(lost: readonly unknown[]): void {
    for (const [id, messages, bytes] of lost as [string, number, number][]) {
      this.onLost?.({ id, messages: Number(messages), bytes: Number(bytes) });
    }
  }
}

const OFFLINE: Delivery = { status: 'offline', connections: 0 };
/** Redis was not there when it was to be sent. */
const NOT_SENT = new Error('Redis is not connected');

/** Whoever can write to Redis can write anything: what cannot be read is an empty text in its place. */
function readMessage(text: string): Message {
  let coded: unknown;
  try {
    coded = JSON.parse(text);
  } catch {
    coded = undefined;
  }
  return (
    decodeMessage(coded, false) ?? { payload: '', bytes: 0, binary: false, isJson: false, shared: false }
  );
}
