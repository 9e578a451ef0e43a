/**
 * One way to do round trips. A process loads one contender only.
 *
 * @typedef {object} Contender
 * @property {(worker: number) => Promise<void>} roundTrip - workers are numbered from 0; each has one round trip at a time
 *
 * @typedef {object} Setting
 * @property {number} port - of the server, on 127.0.0.1
 * @property {Buffer} request
 * @property {number} answerBytes
 * @property {number} workers - that run side by side
 *
 * @typedef {(setting: Setting) => Contender | Promise<Contender>} OpenContender
 */

/** The address of the servers. */
export const HOST = '127.0.0.1';

/** @returns {Promise<OpenContender>} */
export async function loadContender(name) {
  const { open } = await import(`./contenders/${name}.mjs`);
  return open;
}
