import { type ClientRequest, get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** One server-sent event. */
export interface Message {
  readonly type: string;
  readonly data: unknown;
}

/** Reads a stream of server-sent events, as a page does. */
export class StreamReader {
  readonly messages: Message[] = [];
  /** What has been asked for already is not given again. */
  private read = 0;
  private readonly listeners = new Set<() => void>();
  private rest = '';
  /** When the server has ended it. */
  readonly ended: Promise<void>;
  private over = false;

  private constructor(
    private readonly request: ClientRequest,
    private readonly response: IncomingMessage,
  ) {
    response.setEncoding('utf8').on('data', (text: string) => this.take(text));
    this.ended = new Promise((resolve) => {
      response.on('close', () => {
        this.over = true;
        this.tell();
        resolve();
      });
    });
    response.on('error', () => undefined);
  }

  static open(url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) =>
        resolve(new StreamReader(request, response)),
      );
      request.on('error', reject);
    });
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /** The next message of a type that is as wanted; those before it are passed over. */
  async next(type: string, wanted: (message: Message) => boolean = () => true): Promise<Message> {
    for (;;) {
      for (; this.read < this.messages.length; this.read += 1) {
        const message = this.messages[this.read] as Message;
        if (message.type !== type || !wanted(message)) continue;
        this.read += 1;
        return message;
      }
      if (this.over) throw new Error(`the stream ended without "${type}"`);
      await this.more();
    }
  }

  /** It stops reading, as a machine that has fallen asleep. */
  stall(): void {
    this.response.pause();
  }

  close(): void {
    this.request.destroy();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      const listener = (): void => {
        this.listeners.delete(listener);
        resolve();
      };
      this.listeners.add(listener);
    });
  }

  private take(text: string): void {
    const parts = (this.rest + text).split('\n\n');
    this.rest = parts.pop() ?? '';
    for (const part of parts) {
      const [, type = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(part) ?? [];
      this.messages.push({ type, data: JSON.parse(data) });
    }
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
