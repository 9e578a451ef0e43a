import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { InvalidPayloadError, PayloadTooLargeError } from './hub-errors.js';

/** What can be pushed. */
export type Payload = string | Uint8Array | object;

/** One payload, ready for the wire but for its frame; it may go to many connections. */
export interface Message {
  /** Text waits as a string, which the caller has anyway; bytes are a copy, for the caller may go on using his. */
  readonly payload: string | Buffer;
  /** Bytes of the payload. */
  readonly bytes: number;
  /** One BINARY frame, nothing added; else one TEXT frame with the delimiter at its end. */
  readonly binary: boolean;
  /** It goes to many connections: its frame is worth keeping. */
  readonly shared: boolean;
}

/** What of a hub's options concerns the encoding. */
export interface EncodingRules {
  readonly name: string;
  readonly maxMessageBytes: number;
}

/**
 * Makes a message of what was pushed.
 *
 * @throws InvalidPayloadError, PayloadTooLargeError
 */
export function encode(rules: EncodingRules, data: unknown, binary: boolean, shared: boolean): Message {
  if (typeof data === 'string') return textMessage(rules, data, binary, shared);
  if (!types.isUint8Array(data)) return textMessage(rules, json(rules, data), binary, shared);
  checkSize(rules, data.length);
  if (!binary) checkUtf8(rules, data);
  return { payload: Buffer.from(data), bytes: data.length, binary, shared };
}

/** A payload that can travel with a number: `{"offset":12,"data":…}`. */
export interface Numbered {
  at(offset: number): Message;
}

/**
 * Makes of what was pushed a message that is completed with its number.
 *
 * @param binary - bytes that need not be UTF-8: they travel as base64
 * @throws InvalidPayloadError, PayloadTooLargeError
 */
export function encodeNumbered(rules: EncodingRules, data: unknown, binary: boolean): Numbered {
  const field = numberedField(rules, data, binary);
  return {
    at: (offset) => {
      const payload = `{"offset":${offset},${field}}`;
      return { payload, bytes: Buffer.byteLength(payload), binary: false, shared: false };
    },
  };
}

function numberedField(rules: EncodingRules, data: unknown, binary: boolean): string {
  if (!types.isUint8Array(data)) {
    const text = typeof data === 'string' ? data : json(rules, data);
    checkSize(rules, Buffer.byteLength(text));
    return `"data":${typeof data === 'string' ? JSON.stringify(text) : text}`;
  }
  checkSize(rules, data.length);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  if (binary) return `"base64":"${bytes.toString('base64')}"`;
  checkUtf8(rules, data);
  return `"data":${JSON.stringify(bytes.toString())}`;
}

function textMessage(rules: EncodingRules, payload: string, binary: boolean, shared: boolean): Message {
  const bytes = Buffer.byteLength(payload);
  checkSize(rules, bytes);
  return { payload, bytes, binary, shared };
}

function json(rules: EncodingRules, data: unknown): string {
  const problem = whyNotJson(data);
  if (problem !== undefined) throw new InvalidPayloadError(rules.name, problem);
  let text: string | undefined;
  try {
    text = JSON.stringify(data) as string | undefined;
  } catch (cause) {
    throw new InvalidPayloadError(rules.name, 'JSON cannot hold it', { cause });
  }
  if (text === undefined) throw new InvalidPayloadError(rules.name, 'JSON makes nothing of it');
  return text;
}

/** Of these JSON would make `{}` or worse, and what was meant would be lost without a word. */
function whyNotJson(data: unknown): string | undefined {
  if (data === null) return 'it is null';
  if (typeof data !== 'object') return `it is of the type ${typeof data}`;
  if (types.isPromise(data)) return 'it is a promise: await it';
  if (types.isMap(data) || types.isSet(data)) return 'JSON cannot hold a Map or a Set';
  if (ArrayBuffer.isView(data) || types.isAnyArrayBuffer(data)) return 'bytes must be a Uint8Array or Buffer';
  return undefined;
}

function checkSize({ name, maxMessageBytes }: EncodingRules, bytes: number): void {
  if (bytes > maxMessageBytes) throw new PayloadTooLargeError(name, bytes, maxMessageBytes);
}

function checkUtf8({ name }: EncodingRules, data: Uint8Array): void {
  if (!isUtf8(data)) throw new InvalidPayloadError(name, 'the bytes are not UTF-8');
}
