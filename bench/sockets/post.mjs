import { request as open } from 'node:http';
import { HOST } from './contender.mjs';

/**
 * One HTTP exchange.
 *
 * @param {import('node:http').Agent | false} agent
 * @param {import('./contender.mjs').Setting} setting
 * @returns {Promise<void>}
 */
export function post(agent, { port, request, answerBytes }) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': request.length };
    const sent = open({ host: HOST, port, method: 'POST', headers, agent }, (response) => {
      let missing = answerBytes;
      response.on('data', (chunk) => (missing -= chunk.length));
      response.on('end', () =>
        missing === 0 ? resolve() : reject(new Error(`the answer is off by ${missing} bytes`)),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(request);
  });
}
