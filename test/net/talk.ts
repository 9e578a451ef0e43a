import type { Duplex } from 'node:stream';

/** Sends one line and reads the line that answers it. */
export async function ask(socket: Duplex, line: string): Promise<string> {
  const answer = readLine(socket);
  socket.write(`${line}\n`);
  return answer;
}

/** Reads up to the next end of a line, which must be the last that comes. */
export function readLine(socket: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('it is closed'));
    let got = '';
    const onData = (chunk: unknown): void => {
      got += String(chunk);
      if (got.endsWith('\n')) settle(() => resolve(got.slice(0, -1)));
    };
    const onEnd = (): void => settle(() => reject(new Error(`it ended after ${JSON.stringify(got)}`)));
    const onError = (error: Error): void => settle(() => reject(error));
    const settle = (outcome: () => void): void => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      outcome();
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
  });
}

/** All that comes until the peer ends. */
export async function readAll(socket: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of socket) all += String(chunk);
  return all;
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it was not rejected');
}

/** What a call throws. */
export function thrown(call: () => unknown): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it did not throw');
}

/** Longer than what is awaited takes on a busy machine, and short enough for many that fail. */
const LONG = 5000;

/** The promise, or an error when it does not settle. */
export async function inTime<R>(promise: Promise<R>, limit = LONG): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
