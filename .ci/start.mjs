// Runs `npm start` as a user would, asks for one echo over HTTP and stops it as a supervisor would.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const START_LIMIT = 90_000;
const STOP_LIMIT = 20_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The first answer; until the application listens there is none. */
async function firstAnswer(url, signal) {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await fetch(url, { signal });
    } catch (error) {
      if (error.cause?.code !== 'ECONNREFUSED') throw error;
      await delay(100, undefined, { signal });
    }
  }
}

const port = await freePort();
// In a group of its own: whatever is left of it at the end can be ended.
const app = spawn('npm', ['start'], {
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, PORT: String(port) },
});
const ended = once(app, 'exit');
const gone = new AbortController();
void ended.then(() => gone.abort(new Error('npm start ended')));

try {
  const starting = AbortSignal.any([AbortSignal.timeout(START_LIMIT), gone.signal]);
  const echo = await firstAnswer(`http://127.0.0.1:${port}/echo/hello`, starting);
  assert.equal(echo.status, 200);
  assert.match(await echo.text(), /hello/);
  app.kill('SIGTERM');
  const [code, by] = await Promise.race([
    ended,
    delay(STOP_LIMIT, ['nothing, it did not end'], { ref: false }),
  ]);
  assert.equal(code ?? by, 0, 'npm start ended with');
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'the application outlived npm');
  console.log('echoed and stopped with 0');
} finally {
  try {
    process.kill(-app.pid, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}
