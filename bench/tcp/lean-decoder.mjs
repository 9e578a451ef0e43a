const EMPTY = Buffer.alloc(0);

/** The leanest loop there is: no limits, one header, views. */
export class LeanDecoder {
  #rest = EMPTY;

  /**
   * @param {Buffer} chunk
   * @returns {Buffer[]}
   */
  push(chunk) {
    const packages = [];
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const { length } = bytes;
    let at = 0;
    while (at + 2 <= length) {
      const end = at + 2 + ((bytes[at] << 8) | bytes[at + 1]);
      if (end > length) break;
      packages.push(bytes.subarray(at + 2, end));
      at = end;
    }
    this.#rest = at === length ? EMPTY : bytes.subarray(at);
    return packages;
  }
}
