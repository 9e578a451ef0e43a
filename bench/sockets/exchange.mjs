/**
 * Asks and waits for the whole answer, on one socket at a time. All contenders do it with this, so what differs between
 * them is how they come by their socket.
 */
export class Exchange {
  #socket;
  #missing = 0;
  #resolve = () => {};
  #reject = () => {};

  /** Begins to read from a socket. */
  attach(socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
  }

  /**
   * @param {Buffer} request
   * @param {number} answerBytes
   * @returns {Promise<void>}
   */
  roundTrip(request, answerBytes) {
    this.#missing = answerBytes;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request);
    });
  }

  #onData = (chunk) => {
    this.#missing -= chunk.length;
    if (this.#missing === 0) this.#resolve();
    else if (this.#missing < 0) this.#reject(new Error(`${-this.#missing} bytes too many have come`));
  };
}
