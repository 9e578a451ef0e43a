import { StringDecoder } from 'node:string_decoder';

/** Cuts what comes in at the delimiters, wherever the frames or chunks begin and end. */
export class LineSplitter {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';
  private restBytes = 0;

  /**
   * @param delimiter - `''`: each piece is a line
   * @param maxLength - bytes of one line
   */
  constructor(
    private readonly delimiter: string,
    private readonly maxLength: number,
  ) {}

  /**
   * @param onLine - called with each line that is complete, without its delimiter
   * @returns false when a line is longer than it may be; then nothing more can be read
   */
  feed(piece: Buffer, onLine: (line: string, bytes: number) => void): boolean {
    const text = this.decoder.write(piece);
    if (this.delimiter === '') return this.emit(text, onLine);
    // A delimiter of several characters may have come in part.
    const searchFrom = Math.max(0, this.rest.length - this.delimiter.length + 1);
    this.rest += text;
    let from = 0;
    let at = this.rest.indexOf(this.delimiter, searchFrom);
    while (at !== -1) {
      if (!this.emit(this.rest.slice(from, at), onLine)) return false;
      from = at + this.delimiter.length;
      at = this.rest.indexOf(this.delimiter, from);
    }
    if (from > 0) this.rest = this.rest.slice(from);
    this.restBytes = from === 0 ? this.restBytes + piece.length : Buffer.byteLength(this.rest);
    return this.restBytes <= this.maxLength + this.delimiter.length;
  }

  /** What came last without a delimiter. */
  end(onLine: (line: string, bytes: number) => void): void {
    const line = this.rest + this.decoder.end();
    this.rest = '';
    if (line !== '') this.emit(line, onLine);
  }

  private emit(line: string, onLine: (line: string, bytes: number) => void): boolean {
    const bytes = Buffer.byteLength(line);
    if (bytes > this.maxLength) return false;
    onLine(line, bytes);
    return true;
  }
}
