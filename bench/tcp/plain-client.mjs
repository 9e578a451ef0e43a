import { once } from 'node:events';
import { connect } from 'node:net';
import { HOST } from '../sockets/contender.mjs';

/** What somebody writes by hand who needs no more than this: one package out, one package in, on one socket. */
export class PlainClient {
  #socket;
  #rest = undefined;
  #resolve = () => {};

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
  }

  static async connect(port) {
    const socket = connect({ host: HOST, port, noDelay: true });
    await once(socket, 'connect');
    return new PlainClient(socket);
  }

  /**
   * @param {Buffer} data
   * @returns {Promise<Buffer>}
   */
  sendRecv(data) {
    const { length } = data;
    const bytes = Buffer.allocUnsafe(2 + length);
    bytes[0] = length >> 8;
    bytes[1] = length & 0xff;
    bytes.set(data, 2);
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#socket.write(bytes);
    });
  }

  #take(chunk) {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    const end = bytes.length < 2 ? Infinity : 2 + ((bytes[0] << 8) | bytes[1]);
    if (bytes.length < end) {
      this.#rest = bytes;
      return;
    }
    if (bytes.length > end) this.#rest = bytes.subarray(end);
    this.#resolve(bytes.subarray(2, end));
  }
}
