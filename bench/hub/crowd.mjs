import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The clients in the other process, which do as they are told. */
export class Crowd {
  #socket;
  #answers = [];
  #expected = 0;

  /** @param {number} port - where they take orders */
  static async at(port) {
    const crowd = new Crowd();
    crowd.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(crowd.#socket, 'connect');
    let text = '';
    crowd.#socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop();
      for (const line of lines) crowd.#answers.shift()(JSON.parse(line));
    });
    return crowd;
  }

  /**
   * Each connects to a server by a path of its own, which ends with its number.
   *
   * @param {{ port: number, path: string, from?: number, count: number, reading?: boolean, says?: string }} where
   */
  dial(where) {
    return this.#order({ order: 'dial', ...where });
  }

  /** What has come until nothing more does is not counted. */
  async settle() {
    for (let before = -1; before !== this.#expected; await sleep(50)) {
      before = this.#expected;
      this.#expected = (await this.#order({ order: 'counted' })).counted;
    }
  }

  /**
   * Waits until so many more bytes have come, and not one beyond.
   *
   * @param {number} bytes
   * @returns {Promise<bigint>} when they had, by the clock of `process.hrtime`
   */
  async has(bytes) {
    this.#expected += bytes;
    const { counted, at } = await this.#order({ order: 'count', bytes: this.#expected });
    if (counted !== this.#expected) throw new Error(`${counted - this.#expected} bytes too many have come`);
    return BigInt(at);
  }

  /** From now on they are as those on another machine: a write does not wake them. */
  doze() {
    return this.#order({ order: 'doze' });
  }

  async #order(order) {
    const answered = new Promise((resolve) => this.#answers.push(resolve));
    this.#socket.write(`${JSON.stringify(order)}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
