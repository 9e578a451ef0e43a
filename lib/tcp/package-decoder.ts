import { ByteQueue } from './byte-queue.js';
import {
  type PackageFormat,
  type PackageFormatOptions,
  readFormat,
  takePackage,
  takePackages,
} from './package-format.js';
import { EofError, type InvalidPackageSizeError, InvalidTcpOptionsError } from './tcp-errors.js';
import { readFields } from '../core/fields.js';

const NOWHERE = Object.freeze({ pool: '', address: '' });

/** How a decoder reads. */
export interface PackageDecoderOptions extends PackageFormatOptions {
  /**
   * Packages are copies. Default false: they are views of the chunk they came in, which stays in memory, and must stay
   * unchanged, as long as one of them is kept.
   */
  copy?: boolean;
}

/**
 * Cuts a stream of bytes into packages, without a connection.
 *
 * @example
 * const decoder = new PackageDecoder({ headerSize: 4 });
 * socket.on('data', (chunk) => {
 *   for (const data of decoder.push(chunk)) handle(data);
 * });
 */
export class PackageDecoder {
  private readonly queue = new ByteQueue();
  private readonly format: PackageFormat;
  private readonly copy: boolean;
  private broken: InvalidPackageSizeError | undefined = undefined;

  /** @throws InvalidOptionsError */
  constructor(options: PackageDecoderOptions = {}) {
    const { fields, problems } = readFields(options, ['headerSize', 'maxDataSize', 'copy']);
    const { copy = false, ...rest } = fields;
    if (typeof copy !== 'boolean') problems.push({ path: 'copy', given: copy, allowed: 'true or false' });
    const { format, problems: more } = readFormat(rest);
    problems.push(...more);
    if (problems.length > 0) throw new InvalidTcpOptionsError('PackageDecoder', NOWHERE, problems);
    this.format = format;
    this.copy = copy;
  }

  /** Bytes of a package that is not whole yet. */
  get pending(): number {
    return this.queue.length;
  }

  /** What the stream is broken by: a package longer than allowed. The packages before it have been given. */
  get failure(): InvalidPackageSizeError | undefined {
    return this.broken;
  }

  /**
   * Takes in what has come.
   *
   * @returns the packages that are whole now
   * @throws InvalidPackageSizeError for a package longer than allowed: here if no other is whole, otherwise next time
   */
  push(chunk: Uint8Array): Buffer[] {
    if (this.broken !== undefined) throw this.broken;
    if (!ArrayBuffer.isView(chunk)) throw new TypeError('push(): a chunk must be bytes.');
    const packages: Buffer[] = [];
    const { queue, format, copy } = this;
    queue.push(copy ? Buffer.from(viewOf(chunk)) : viewOf(chunk));
    if (takePackages(queue, format, packages, !copy)) this.fail();
    if (this.broken !== undefined && packages.length === 0) throw this.broken as Error;
    return packages;
  }

  /**
   * The stream has ended.
   *
   * @throws EofError when that was in the middle of a package, InvalidPackageSizeError as `push` does
   */
  end(): void {
    if (this.broken !== undefined) throw this.broken;
    const { length } = this.queue;
    if (length > 0) throw new EofError(NOWHERE, this.queue.copy(this.format.headerSize, length), true);
  }

  private fail(): void {
    try {
      takePackage(this.queue, this.format, NOWHERE);
    } catch (error) {
      this.broken = error as InvalidPackageSizeError;
      this.queue.clear();
    }
  }
}

function viewOf(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
