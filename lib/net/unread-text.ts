import type { Readable } from 'node:stream';

interface Part {
  readonly bytes: Buffer;
  /** As text. */
  readonly length: number;
}

const NONE = Buffer.alloc(0);

/**
 * What has come to a stream with an encoding and is not read yet, as it came: text cannot be turned back into all that it
 * may have been made of.
 */
export class UnreadText {
  private readonly parts: Part[] = [];

  /**
   * A chunk has come.
   *
   * @param rest - what was undecoded before it came
   * @param length - how much text has come of it
   */
  add(stream: Readable, rest: Buffer, chunk: Buffer, length: number): void {
    const { parts } = this;
    // Read at once, as most is.
    if (stream.readableLength === 0) {
      parts.length = 0;
      return;
    }
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    parts.push({ bytes: all.subarray(0, all.length - undecoded(stream).length), length });
    let kept = parts.reduce((sum, part) => sum + part.length, 0);
    for (let [first] = parts; first !== undefined; [first] = parts) {
      kept -= first.length;
      if (kept < stream.readableLength || first.length === 0) return;
      parts.shift();
    }
  }

  /** Its bytes. @param text - what is not read */
  take(text: string, encoding: BufferEncoding): Buffer[] {
    let { length } = text;
    const whole: Buffer[] = [];
    for (let last = this.parts.pop(); last !== undefined && last.length <= length; last = this.parts.pop()) {
      whole.unshift(last.bytes);
      length -= last.length;
    }
    // Of a chunk that was read in part: the rest, as far as text can tell.
    return length === 0 ? whole : [Buffer.from(text.slice(0, length), encoding), ...whole];
  }
}

/** The first bytes of a character whose last have not come: a stream's decoder keeps them, and nothing public tells of it. */
export function undecoded(stream: Readable): Buffer {
  const { decoder } = (stream as { _readableState?: { decoder?: Decoder | null } })._readableState ?? {};
  if (decoder?.lastChar === undefined) return NONE;
  const { lastChar, lastTotal, lastNeed } = decoder;
  return lastTotal > lastNeed ? Buffer.from(lastChar.subarray(0, lastTotal - lastNeed)) : NONE;
}

/** Of a `StringDecoder`: what it keeps, of how many bytes, and how many are missing. */
interface Decoder {
  readonly lastChar: Buffer;
  readonly lastTotal: number;
  readonly lastNeed: number;
}
