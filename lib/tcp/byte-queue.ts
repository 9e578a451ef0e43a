/** Chunks smaller than this are copied together: each would cost more by itself than what it holds. */
const SMALL = 256;
const SMALLEST_ROOM = 4096;
const LARGEST_ROOM = 65_536;
/** What somebody keeps of a large chunk keeps no more than this of it: as much as Node's own slabs of small buffers. */
const BLOCK = 8192;
const NOTHING = Buffer.alloc(0);

/**
 * Bytes that have come and have not been read, in the chunks in which they came. However small the chunks are, it holds
 * little more than its bytes.
 */
export class ByteQueue {
  /** How many bytes it holds. */
  length = 0;
  /** The first chunk, and how much of it is used up. */
  private head: Buffer = NOTHING;
  private offset = 0;
  /** What memory it keeps; -1 as long as nobody has asked. */
  private memory = -1;
  /** The other chunks, and which of them is the next. */
  private readonly later: Buffer[] = [];
  private next = 0;
  /** The last chunk of all is the beginning of this, up to here, and there is room behind it. */
  private room: Buffer | undefined = undefined;
  private filled = 0;

  push(chunk: Buffer): void {
    const { length } = chunk;
    if (length === 0) return;
    if (this.length === 0) this.begin(chunk);
    else if (length < SMALL) this.append(chunk);
    else {
      this.later.push(chunk);
      this.room = undefined;
    }
    this.length += length;
  }

  /** The number that the first bytes make, big end first. There must be so many. */
  number(bytes: number): number {
    const { head, offset } = this;
    if (offset + bytes > head.length) return this.scatteredNumber(bytes);
    if (bytes === 2) return ((head[offset] as number) << 8) | (head[offset + 1] as number);
    return head.readUIntBE(offset, bytes);
  }

  /** The next bytes, in a buffer that keeps little more memory than they are long, or 8 KiB. There must be so many. */
  take(bytes: number): Buffer {
    if (this.kept > BLOCK && bytes * 2 < this.kept) this.cutBlock(bytes);
    return this.view(bytes);
  }

  /** The next bytes, in place where they came in one chunk: that keeps the whole chunk. There must be so many. */
  view(bytes: number): Buffer {
    const { head, offset } = this;
    const end = offset + bytes;
    if (end > head.length) return this.gather(bytes);
    this.advance(bytes);
    return head.subarray(offset, end);
  }

  /**
   * What comes before the next such byte, which is forgotten; `undefined` unless all of it lies in the first chunk.
   *
   * @param most - no more than so many
   */
  takeBefore(byte: number, most: number): Buffer | undefined {
    const { head, offset } = this;
    const at = head.indexOf(byte, offset);
    const bytes = at - offset;
    if (at < 0 || bytes > most) return undefined;
    if (this.kept > BLOCK && bytes * 2 < this.kept) this.cutBlock(bytes + 1);
    const taken = this.head.subarray(this.offset, this.offset + bytes);
    this.advance(bytes + 1);
    return taken;
  }

  /**
   * All that comes before such bytes in the first chunk, in place.
   *
   * @param most - beyond so many it stops
   */
  viewsBefore(byte: number, most: number, into: Buffer[]): void {
    const { head, offset } = this;
    let from = offset;
    for (;;) {
      const at = head.indexOf(byte, from);
      if (at < 0 || at - from > most) break;
      into.push(head.subarray(from, at));
      from = at + 1;
    }
    if (from > offset) this.advance(from - offset);
  }

  /**
   * All that comes behind a number that says how long it is, as far as it lies in the first chunk, in place.
   *
   * @param bytes - of each number, which is big end first
   * @returns true when the next one is longer than `most`
   */
  viewsByLength(bytes: number, most: number, into: Buffer[]): boolean {
    const { head, offset } = this;
    const { length } = head;
    let at = offset;
    let isTooLong = false;
    while (at + bytes <= length) {
      const begin = at + bytes;
      const size =
        bytes === 2 ? ((head[at] as number) << 8) | (head[at + 1] as number) : head.readUIntBE(at, bytes);
      isTooLong = size > most;
      if (isTooLong || begin + size > length) break;
      at = begin + size;
      into.push(head.subarray(begin, at));
    }
    if (at > offset) this.advance(at - offset);
    return isTooLong;
  }

  /** What is taken in place from now on keeps 8 KiB at most: until the next chunk, or block of one, begins. */
  settle(): void {
    if (this.kept > BLOCK) this.cutBlock(BLOCK);
  }

  /** Forgets the next bytes. There must be so many. */
  skip(bytes: number): void {
    let rest = bytes;
    for (let room = this.head.length - this.offset; rest > room; room = this.head.length) {
      this.advance(room);
      rest -= room;
    }
    if (rest > 0) this.advance(rest);
  }

  /** A copy of some of the bytes, which stay. */
  copy(from: number, end: number): Buffer {
    const copy = Buffer.allocUnsafe(Math.max(0, end - from));
    let place = -from;
    this.each((chunk, begin) => {
      const skipped = Math.max(0, -place);
      if (begin + skipped < chunk.length && place < copy.length) {
        chunk.copy(copy, Math.max(0, place), begin + skipped);
      }
      place += chunk.length - begin;
    });
    return copy;
  }

  /**
   * Where something begins, or -1.
   *
   * @param from - nothing before this is looked at
   */
  indexOf(wanted: Buffer, from: number): number {
    // Node finds a byte faster than a buffer of one.
    const sought = wanted.length > 1 ? wanted : (wanted[0] as number);
    let place = 0;
    for (let at = this.next - 1; at < this.later.length; at += 1) {
      const isHead = at < this.next;
      const chunk = isHead ? this.head : (this.later[at] as Buffer);
      const begin = isHead ? this.offset : 0;
      const next = place + chunk.length - begin;
      if (from < next) {
        const found = chunk.indexOf(sought, begin + Math.max(0, from - place));
        if (found >= 0) return place + found - begin;
        // It may begin here and end in a later chunk.
        for (let across = Math.max(from, place, next - wanted.length + 1); across < next; across += 1)
          if (this.holds(wanted, across)) return across;
      }
      place = next;
    }
    return -1;
  }

  clear(): void {
    this.later.length = this.length = this.next = 0;
    this.room = undefined;
    this.begin(NOTHING);
  }

  private get kept(): number {
    if (this.memory < 0) this.memory = this.head.buffer.byteLength;
    return this.memory;
  }

  private begin(chunk: Buffer): void {
    this.head = chunk;
    this.offset = 0;
    this.memory = -1;
  }

  private scatteredNumber(bytes: number): number {
    let number = 0;
    for (const byte of this.copy(0, bytes)) number = number * 256 + byte;
    return number;
  }

  private holds(wanted: Buffer, from: number): boolean {
    if (from + wanted.length > this.length) return false;
    return this.copy(from, from + wanted.length).equals(wanted);
  }

  private each(look: (chunk: Buffer, begin: number) => void): void {
    look(this.head, this.offset);
    for (let at = this.next; at < this.later.length; at += 1) look(this.later[at] as Buffer, 0);
  }

  private gather(bytes: number): Buffer {
    const gathered = Buffer.allocUnsafe(bytes);
    let filled = 0;
    while (filled < bytes) {
      const { head, offset } = this;
      const step = Math.min(bytes - filled, head.length - offset);
      head.copy(gathered, filled, offset, offset + step);
      filled += step;
      this.advance(step);
    }
    return gathered;
  }

  /** Within the first chunk. */
  private advance(bytes: number): void {
    this.offset += bytes;
    this.length -= bytes;
    if (this.length === 0) this.clear();
    else if (this.offset === this.head.length) this.advanceChunk();
  }

  private advanceChunk(): void {
    const { later, next } = this;
    const chunk = later[next] as Buffer;
    later[next] = NOTHING;
    this.next += 1;
    this.begin(chunk);
    if (this.next < 64 || this.next * 2 < later.length) return;
    later.splice(0, this.next);
    this.next = 0;
  }

  /** Puts a copy of the next bytes in front, for what is taken next to be a part of that. */
  private cutBlock(bytes: number): void {
    const { head, offset } = this;
    const end = Math.min(head.length, offset + Math.max(bytes, BLOCK));
    const block = Buffer.allocUnsafeSlow(end - offset);
    head.copy(block, 0, offset, end);
    if (this.next === this.later.length) this.room = undefined;
    if (end < head.length) {
      const rest = head.subarray(end);
      if (this.next === 0) this.later.unshift(rest);
      else this.later[(this.next -= 1)] = rest;
    }
    this.begin(block);
  }

  private append(chunk: Buffer): void {
    const { room, later, filled } = this;
    const end = filled + chunk.length;
    if (room !== undefined && end <= room.length) {
      chunk.copy(room, filled);
      this.filled = end;
      if (this.next === later.length) this.head = room.subarray(0, end);
      else later[later.length - 1] = room.subarray(0, end);
      return;
    }
    const size = Math.min(LARGEST_ROOM, Math.max(SMALLEST_ROOM, this.length));
    this.room = Buffer.allocUnsafeSlow(size);
    this.filled = chunk.length;
    chunk.copy(this.room);
    later.push(this.room.subarray(0, chunk.length));
  }
}
