/** Chunks smaller than this are copied together: each would cost more by itself than what it holds. */
const SMALL = 2048;
const SMALLEST_ROOM = 4096;
const LARGEST_ROOM = 65_536;
const NOTHING = Buffer.alloc(0);

/**
 * Bytes that have come and have not been read, in the chunks in which they came. However small the chunks are, it holds
 * little more than its bytes.
 */
export class ByteQueue {
  /** How many bytes it holds. */
  length = 0;
  private readonly chunks: Buffer[] = [];
  /** The first chunk that is not used up, and how much of it is. */
  private first = 0;
  private offset = 0;
  /** The last chunk is the beginning of this, and there is room behind it. */
  private room: Buffer | undefined = undefined;

  push(chunk: Buffer): void {
    const { length } = chunk;
    if (this.length > 0 && length < SMALL) this.append(chunk);
    else if (length > 0) {
      this.chunks.push(chunk);
      this.room = undefined;
    }
    this.length += length;
  }

  /** The number that the first bytes make, big end first. There must be so many. */
  number(bytes: number): number {
    const head = this.chunks[this.first] as Buffer;
    const { offset } = this;
    if (offset + bytes <= head.length) {
      if (bytes === 2) return ((head[offset] as number) << 8) | (head[offset + 1] as number);
      return head.readUIntBE(offset, bytes);
    }
    let number = 0;
    for (let at = 0; at < bytes; at += 1) number = number * 256 + this.byteAt(at);
    return number;
  }

  /** The next bytes, in a buffer that keeps at most as much memory again. There must be so many. */
  take(bytes: number): Buffer {
    const head = this.chunks[this.first];
    const from = this.offset;
    const end = from + bytes;
    if (head === undefined || end > head.length) return this.gather(bytes);
    const view = bytes * 2 >= head.buffer.byteLength;
    const taken = view ? head.subarray(from, end) : copyOf(head, from, end);
    this.advance(bytes);
    return taken;
  }

  /** The next bytes, in place where they came in one chunk: that keeps the whole chunk. There must be so many. */
  view(bytes: number): Buffer {
    const head = this.chunks[this.first];
    const from = this.offset;
    const end = from + bytes;
    if (head === undefined || end > head.length) return this.gather(bytes);
    this.advance(bytes);
    return head.subarray(from, end);
  }

  /** Forgets the next bytes. There must be so many. */
  skip(bytes: number): void {
    let rest = bytes;
    while (rest > 0) {
      const step = Math.min(rest, (this.chunks[this.first] as Buffer).length - this.offset);
      this.advance(step);
      rest -= step;
    }
  }

  /** A copy of some of the bytes, which stay. */
  copy(from: number, end: number): Buffer {
    const copy = Buffer.allocUnsafe(Math.max(0, end - from));
    let at = -from;
    this.each((chunk, begin) => {
      const skipped = Math.max(0, -at);
      if (begin + skipped < chunk.length && at < copy.length) {
        chunk.copy(copy, Math.max(0, at), begin + skipped);
      }
      at += chunk.length - begin;
    });
    return copy;
  }

  /**
   * Where something begins, or -1.
   *
   * @param from - nothing before this is looked at
   */
  indexOf(wanted: Buffer, from: number): number {
    const [byte] = wanted;
    const only = wanted.length === 1;
    /** Where the present chunk begins. */
    let place = 0;
    for (let at = this.first; at < this.chunks.length; at += 1) {
      const chunk = this.chunks[at] as Buffer;
      const begin = at === this.first ? this.offset : 0;
      const next = place + chunk.length - begin;
      if (from < next) {
        const start = begin + Math.max(0, from - place);
        const found = only ? chunk.indexOf(byte as number, start) : chunk.indexOf(wanted, start);
        if (found >= 0) return place + found - begin;
        if (!only) {
          // It may begin here and end in a later chunk.
          const last = Math.max(from, place, next - wanted.length + 1);
          for (let across = last; across < next; across += 1) if (this.holds(wanted, across)) return across;
        }
      }
      place = next;
    }
    return -1;
  }

  clear(): void {
    this.chunks.length = 0;
    this.length = this.first = this.offset = 0;
    this.room = undefined;
  }

  private holds(wanted: Buffer, from: number): boolean {
    if (from + wanted.length > this.length) return false;
    return this.copy(from, from + wanted.length).equals(wanted);
  }

  private byteAt(place: number): number {
    let rest = place + this.offset;
    for (let at = this.first; ; at += 1) {
      const chunk = this.chunks[at] as Buffer;
      if (rest < chunk.length) return chunk[rest] as number;
      rest -= chunk.length;
    }
  }

  private each(look: (chunk: Buffer, begin: number) => void): void {
    for (let at = this.first; at < this.chunks.length; at += 1) {
      look(this.chunks[at] as Buffer, at === this.first ? this.offset : 0);
    }
  }

  private gather(bytes: number): Buffer {
    if (bytes === 0) return NOTHING;
    const gathered = Buffer.allocUnsafe(bytes);
    let filled = 0;
    while (filled < bytes) {
      const head = this.chunks[this.first] as Buffer;
      const step = Math.min(bytes - filled, head.length - this.offset);
      head.copy(gathered, filled, this.offset, this.offset + step);
      filled += step;
      this.advance(step);
    }
    return gathered;
  }

  /** Within the first chunk. */
  private advance(bytes: number): void {
    this.length -= bytes;
    this.offset += bytes;
    if (this.length === 0) return this.clear();
    if (this.offset < (this.chunks[this.first] as Buffer).length) return;
    this.chunks[this.first] = NOTHING;
    this.first += 1;
    this.offset = 0;
    if (this.first < 64 || this.first * 2 < this.chunks.length) return;
    this.chunks.splice(0, this.first);
    this.first = 0;
  }

  private append(chunk: Buffer): void {
    const last = this.chunks.length - 1;
    const used = this.room === undefined ? 0 : (this.chunks[last] as Buffer).length;
    const { room } = this;
    if (room !== undefined && used + chunk.length <= room.length) {
      chunk.copy(room, used);
      this.chunks[last] = room.subarray(0, used + chunk.length);
      return;
    }
    const size = Math.min(LARGEST_ROOM, Math.max(SMALLEST_ROOM, this.length));
    this.room = Buffer.allocUnsafeSlow(size);
    chunk.copy(this.room);
    this.chunks.push(this.room.subarray(0, chunk.length));
  }
}

function copyOf(chunk: Buffer, from: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - from);
  chunk.copy(copy, 0, from, end);
  return copy;
}
