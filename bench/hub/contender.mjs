/**
 * One way to push to connections of this process. A process loads one contender only.
 *
 * @typedef {object} Contender
 * @property {{ port: number, path: string, says?: string }} where - clients connect; of the path the number is missing
 * @property {(at: number, text: string) => void} push - to the client of this number
 * @property {(text: string) => void} broadcast - to all of them
 * @property {(text: string) => number} bytesOf - what a client is sent for it
 * @property {() => Promise<unknown>} turn - what was pushed in this turn has been written
 * @property {() => void} [check] - throws when not all has been sent
 *
 * @typedef {() => Promise<Contender>} OpenContender
 */

/** @returns {Promise<Contender>} */
export async function openContender(name) {
  const { open } = await import(`./contenders/${name}.mjs`);
  return open();
}
