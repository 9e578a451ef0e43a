import type { OptionProblem } from '../core/index.js';
import type { ByteQueue } from './byte-queue.js';
import { InvalidPackageSizeError, PackageTooLargeError, type Where } from './tcp-errors.js';

/** How long the length before each package is, in bytes. */
export type HeaderSize = 1 | 2 | 3 | 4;

/** How packages look. Both sides must say the same. */
export interface PackageFormatOptions {
  /** Bytes of the length before the data. Default 2. */
  headerSize?: HeaderSize;
  /** The longest data, in bytes, sent or received. Default, and most: what the header can express, with 4 bytes 2^31 - 1. */
  maxDataSize?: number;
}

/** The same, complete. */
export interface PackageFormat {
  readonly headerSize: HeaderSize;
  readonly maxDataSize: number;
}

const CAPACITY: Readonly<Record<HeaderSize, number>> = { 1: 0xff, 2: 0xffff, 3: 0xffffff, 4: 0x7fffffff };
const USUAL: PackageFormat = Object.freeze({ headerSize: 2, maxDataSize: CAPACITY[2] });

/** The format that the options ask for, and what is wrong with them. */
export function readFormat(options: PackageFormatOptions): {
  format: PackageFormat;
  problems: OptionProblem[];
} {
  const { headerSize = 2, maxDataSize } = options;
  const most =
    typeof headerSize === 'number' ? (CAPACITY as Record<number, number | undefined>)[headerSize] : undefined;
  const problems: OptionProblem[] = [];
  if (most === undefined) {
    problems.push({ path: 'headerSize', given: headerSize, allowed: '1, 2, 3 or 4' });
  }
  const limit = most ?? CAPACITY[4];
  if (
    maxDataSize !== undefined &&
    !(Number.isInteger(maxDataSize) && maxDataSize >= 0 && maxDataSize <= limit)
  ) {
    const allowed = `a whole number from 1 to ${limit}, what the header can express; 0 stands for that`;
    problems.push({ path: 'maxDataSize', given: maxDataSize, allowed });
  }
  if (problems.length > 0 || (headerSize === 2 && maxDataSize === undefined))
    return { format: USUAL, problems };
  // As in the predecessor, 0 says nothing.
  return { format: { headerSize, maxDataSize: maxDataSize || limit }, problems };
}

/**
 * Packages, one after the other, as they are sent.
 *
 * @throws PackageTooLargeError
 */
export function encode(
  datas: readonly Uint8Array[],
  { headerSize, maxDataSize }: PackageFormat,
  where: Where,
): Buffer {
  let size = 0;
  for (const { length } of datas) {
    if (length > maxDataSize) throw new PackageTooLargeError(where, length, maxDataSize);
    size += headerSize + length;
  }
  const encoded = Buffer.allocUnsafe(size);
  let at = 0;
  for (const data of datas) {
    const { length } = data;
    for (let byte = headerSize - 1, rest = length; byte >= 0; byte -= 1, rest >>>= 8)
      encoded[at + byte] = rest & 0xff;
    encoded.set(data, at + headerSize);
    at += headerSize + length;
  }
  return encoded;
}

/**
 * The next package, once all of it has come.
 *
 * @throws InvalidPackageSizeError
 */
export function takePackage(queue: ByteQueue, format: PackageFormat, where: Where): Buffer | undefined {
  const { headerSize } = format;
  if (queue.length < headerSize) return undefined;
  const length = queue.number(headerSize);
  if (length > format.maxDataSize) throw new InvalidPackageSizeError(where, length, format.maxDataSize);
  if (queue.length < headerSize + length) return undefined;
  queue.skip(headerSize);
  return queue.take(length);
}

/**
 * All packages that have come.
 *
 * @param inPlace - without a copy: each keeps the whole chunk it came in, otherwise 8 KiB at most or what it is long
 * @returns true when the next one is longer than allowed: `takePackage` tells
 */
export function takePackages(
  queue: ByteQueue,
  { headerSize, maxDataSize }: PackageFormat,
  into: Buffer[],
  inPlace: boolean,
): boolean {
  while (queue.length >= headerSize) {
    if (!inPlace) queue.settle();
    if (queue.viewsByLength(headerSize, maxDataSize, into)) return true;
    // One that goes on in the next chunk.
    if (queue.length < headerSize) return false;
    const length = queue.number(headerSize);
    if (length > maxDataSize) return true;
    if (queue.length < headerSize + length) return false;
    queue.skip(headerSize);
    into.push(queue.view(length));
  }
  return false;
}

/** How many bytes must be there for the next package to be whole, as far as is known. */
export function wantedBytes(queue: ByteQueue, { headerSize }: PackageFormat): number {
  return queue.length < headerSize ? headerSize : headerSize + queue.number(headerSize);
}
