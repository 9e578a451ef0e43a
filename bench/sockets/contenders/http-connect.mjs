import { post } from '../post.mjs';

/**
 * A new connection for each HTTP request.
 *
 * @type {import('../contender.mjs').OpenContender}
 */
export function open(setting) {
  return { roundTrip: () => post(false, setting) };
}
