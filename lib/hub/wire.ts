import type { Message } from './message.js';

const TEXT = 0x81;
const BINARY = 0x82;
/** Node copies a string up to here without asking for memory. */
const LARGEST_ASCII = 16 * 1024 - 4;

/** What the wire carries: a message on its way to one connection. */
interface Carried {
  readonly message: Message;
}

/** How the messages of one hub look on the wire: the delimiter, the frames, many messages in one piece. */
export class Wire {
  private readonly delimiter: Buffer;
  /** What went to one connection often goes to the next as well: the messages of a broadcast, and their bytes. */
  private lastMessages: Message[] = [];
  private lastBytes: Buffer | undefined;
  private lastFramed = false;
  private lastAscii: Message | undefined = undefined;
  private lastFrame = '';
  private readonly isAscii: boolean;

  constructor(private readonly delimiterText: string) {
    this.delimiter = Buffer.from(delimiterText);
    this.isAscii = this.delimiter.length === delimiterText.length;
  }

  /** How much of a queue a message takes. */
  sizeOf({ bytes, binary }: Message): number {
    return binary ? bytes : bytes + this.delimiter.length;
  }

  /** The payload of one message as `ws` itself is given it. */
  payloadOf({ payload, binary }: Message): string | Buffer {
    if (binary) return typeof payload === 'string' ? Buffer.from(payload) : payload;
    return typeof payload === 'string'
      ? payload + this.delimiterText
      : Buffer.concat([payload, this.delimiter]);
  }

  /**
   * All of them as one string of bytes, for `'latin1'`: where the text is ASCII that costs least, for Node need not be given
   * a Buffer. `undefined` for other messages.
   */
  asciiFrames(items: readonly Carried[]): string | undefined {
    const { message } = items[0] as Carried;
    if (items.length === 1) return this.asciiFrame(message);
    // What goes to many in the same company is packed once.
    if (message.shared) return undefined;
    let frames = '';
    for (const item of items) {
      const frame = this.asciiFrame(item.message);
      if (frame === undefined || frames.length + frame.length > LARGEST_ASCII) return undefined;
      frames += frame;
    }
    return frames;
  }

  private asciiFrame(message: Message): string | undefined {
    if (message === this.lastAscii) return this.lastFrame;
    const { payload, bytes, binary, shared } = message;
    const size = this.sizeOf(message);
    const isAscii = typeof payload === 'string' && payload.length === bytes && this.isAscii;
    if (!isAscii || binary || size > LARGEST_ASCII) return undefined;
    const frame = asciiHeader(size) + payload + this.delimiterText;
    if (shared) {
      this.lastAscii = message;
      this.lastFrame = frame;
    }
    return frame;
  }

  /** All of them in one piece, each in a frame of its own. */
  frames(items: readonly Carried[]): Buffer {
    return this.pack(items, true);
  }

  /** All of them in one piece, without frames. */
  stream(items: readonly Carried[]): Buffer {
    return this.pack(items, false);
  }

  /** Keeps no bytes alive beyond the turn that sent them. */
  forget(): void {
    this.lastAscii = undefined;
    this.lastFrame = '';
    this.lastBytes = undefined;
    this.lastMessages = [];
  }

  private pack(items: readonly Carried[], framed: boolean): Buffer {
    const isShared = (items[0] as Carried).message.shared;
    if (isShared && this.isLast(items, framed)) return this.lastBytes as Buffer;
    let length = 0;
    for (const { message } of items) length += this.lengthOf(message, framed);
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (const { message } of items) at = this.put(bytes, at, message, framed);
    if (isShared) this.remember(items, framed, bytes);
    return bytes;
  }

  private lengthOf(message: Message, framed: boolean): number {
    const size = this.sizeOf(message);
    return framed ? headerLength(size) + size : size;
  }

  private put(into: Buffer, from: number, message: Message, framed: boolean): number {
    const { payload, bytes, binary } = message;
    let at = framed ? putHeader(into, from, binary ? BINARY : TEXT, this.sizeOf(message)) : from;
    if (typeof payload !== 'string') into.set(payload, at);
    // As many bytes as characters: it is ASCII.
    else if (bytes === payload.length) into.write(payload, at, 'latin1');
    else into.write(payload, at, 'utf8');
    at += bytes;
    if (binary) return at;
    for (const byte of this.delimiter) into[at++] = byte;
    return at;
  }

  private isLast(items: readonly Carried[], framed: boolean): boolean {
    const { lastMessages } = this;
    return (
      this.lastBytes !== undefined &&
      framed === this.lastFramed &&
      items.length === lastMessages.length &&
      items.every(({ message }, at) => message === lastMessages[at])
    );
  }

  private remember(items: readonly Carried[], framed: boolean, bytes: Buffer): void {
    this.lastMessages = items.map(({ message }) => message);
    this.lastBytes = bytes;
    this.lastFramed = framed;
  }
}

function asciiHeader(size: number): string {
  if (size < 126) return String.fromCharCode(TEXT, size);
  return String.fromCharCode(TEXT, 126, size >> 8, size & 0xff);
}

function headerLength(size: number): number {
  if (size < 126) return 2;
  return size < 0x10000 ? 4 : 10;
}

/** A frame of a server: whole, and not masked. @returns where the payload begins */
function putHeader(into: Buffer, at: number, first: number, size: number): number {
  into[at] = first;
  if (size < 126) {
    into[at + 1] = size;
    return at + 2;
  }
  if (size < 0x10000) {
    into[at + 1] = 126;
    return into.writeUInt16BE(size, at + 2);
  }
  into[at + 1] = 127;
  return into.writeUIntBE(size, into.writeUInt16BE(0, at + 2), 6);
}
