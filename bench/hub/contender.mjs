/**
 * One way to push to connections of this process. A process loads one contender only.
 *
 * @typedef {object} Contender
 * @property {{ port: number, path: string, says?: string }} where - clients connect; of the path the number is missing
 * @property {(at: number, text: string) => unknown} push - to the client of this number, wherever it is connected; a promise
 *   resolves when it has been sent
 * @property {(text: string) => void} broadcast - to all of them
 * @property {(text: string) => number} bytesOf - what a client is sent for it
 * @property {() => Promise<unknown>} turn - what was pushed in this turn has been written
 * @property {() => void} [check] - throws when not all has been sent
 * @property {() => number} [queued] - above 0 when something waits for the sockets
 *
 * @typedef {object} Setting
 * @property {{ kind: 'redis' | 'nats', url: string }} [broker] - it is one instance of several
 * @property {object} [options] - of a hub
 *
 * @typedef {(setting?: Setting) => Promise<Contender>} OpenContender
 */

/**
 * @param {string} name
 * @param {Setting} [setting]
 * @returns {Promise<Contender>}
 */
export async function openContender(name, setting) {
  const { open } = await import(`./contenders/${name}.mjs`);
  return open(setting);
}
