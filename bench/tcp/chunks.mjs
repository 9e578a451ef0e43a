/**
 * Packages of 64 bytes in chunks of any length.
 *
 * @param {number} bytes - about so many
 * @param {number} most - the longest chunk
 * @returns {{ chunks: Buffer[], count: number }}
 */
export function chunksOf(bytes, most) {
  const one = Buffer.alloc(66, 'x');
  one.writeUInt16BE(64);
  const count = Math.floor(bytes / one.length);
  const all = Buffer.alloc(count * one.length, one);
  const chunks = [];
  // The same for every contender.
  let seed = 1;
  for (let from = 0; from < all.length;) {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    const end = Math.min(all.length, from + 1 + (seed % most));
    // Each has memory of its own, as what comes by a socket.
    const chunk = Buffer.allocUnsafeSlow(end - from);
    all.copy(chunk, 0, from, end);
    chunks.push(chunk);
    from = end;
  }
  return { chunks, count };
}
