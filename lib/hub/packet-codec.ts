import type { Message } from './message.js';

/** A message as it travels between instances, within JSON. */
export type CodedMessage = [kind: 'text' | 'json' | 'bytes' | 'utf8', binary: 0 | 1, payload: string];

export function codeMessage({ payload, binary, isJson }: Message): CodedMessage {
  const flag = binary ? 1 : 0;
  if (typeof payload === 'string') return [isJson ? 'json' : 'text', flag, payload];
  return binary ? ['bytes', flag, payload.toString('base64')] : ['utf8', flag, payload.toString()];
}

/** `codeMessage` as JSON: most messages are one text, and go another way for speed. */
export function codedText(message: Message): string {
  const { payload, binary, isJson } = message;
  if (typeof payload !== 'string') return JSON.stringify(codeMessage(message));
  return `["${isJson ? 'json' : 'text'}",${binary ? 1 : 0},${JSON.stringify(payload)}]`;
}

/** @returns `undefined` for what is none: whoever can publish can publish anything */
export function decodeMessage(coded: unknown, shared: boolean): Message | undefined {
  if (!Array.isArray(coded)) return undefined;
  const [kind, flag, text] = coded as unknown[];
  if (typeof text !== 'string') return undefined;
  const binary = flag === 1;
  if (kind === 'text' || kind === 'json') {
    return { payload: text, bytes: Buffer.byteLength(text), binary, isJson: kind === 'json', shared };
  }
  if (kind !== 'bytes' && kind !== 'utf8') return undefined;
  const payload = Buffer.from(text, kind === 'bytes' ? 'base64' : 'utf8');
  return { payload, bytes: payload.length, binary, isJson: false, shared };
}
