import { Agent } from 'node:http';
import { post } from '../post.mjs';

/**
 * Node's own: an Agent that keeps connections alive.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open(setting) {
  const agent = new Agent({ keepAlive: true, maxSockets: setting.workers });
  return { roundTrip: () => post(agent, setting) };
}
