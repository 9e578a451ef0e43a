import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { InvalidPayloadError, PayloadTooLargeError } from './hub-errors.js';

/** What can be pushed. */
export type Payload = string | Uint8Array | object;

/** One payload, ready for the wire but for its frame; it may go to many connections, and to other instances. */
export interface Message {
  /** Text waits as a string, which the caller has anyway; bytes are a copy, for the caller may go on using his. */
  readonly payload: string | Buffer;
  /** Of the payload. */
  readonly bytes: number;
  /** One BINARY frame, nothing added; else one TEXT frame with the delimiter at its end. */
  readonly binary: boolean;
  /** It was an object. */
  readonly isJson: boolean;
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
  if (typeof data === 'string') return ofText(rules, data, binary, false, shared);
  if (!types.isUint8Array(data)) return ofText(rules, json(rules, data), binary, true, shared);
  checkSize(rules, data.length);
  if (!binary) checkUtf8(rules, data);
  return { payload: Buffer.from(data), bytes: data.length, binary, isJson: false, shared };
}

function ofText(
  rules: EncodingRules,
  payload: string,
  binary: boolean,
  isJson: boolean,
  shared: boolean,
): Message {
  const bytes = Buffer.byteLength(payload);
  checkSize(rules, bytes);
  return binary || shared ? { payload, bytes, binary, isJson, shared } : new Text(payload, bytes, isJson);
}

/** What most messages are; thousands may wait, so it holds no more than it must. */
class Text implements Message {
  constructor(
    readonly payload: string,
    readonly bytes: number,
    readonly isJson: boolean,
  ) {}

  get binary(): boolean {
    return false;
  }

  get shared(): boolean {
    return false;
  }
}

/** A message that travels with a number: `{"offset":12,"data":…}`; bytes that need not be UTF-8 as `"base64"`. */
export class Numbered {
  private readonly field: string;

  constructor(message: Message) {
    this.field = fieldOf(message);
  }

  at(offset: number): Message {
    const payload = `{"offset":${offset},${this.field}}`;
    return { payload, bytes: Buffer.byteLength(payload), binary: false, isJson: true, shared: false };
  }
}

function fieldOf({ payload, binary, isJson }: Message): string {
  if (typeof payload !== 'string') {
    return binary
      ? `"base64":"${payload.toString('base64')}"`
      : `"data":${JSON.stringify(payload.toString())}`;
  }
  return `"data":${isJson ? payload : JSON.stringify(payload)}`;
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

/** JSON makes `{}` of them, unless they say themselves what to make. */
const HOLLOW: readonly [name: string, is: (data: unknown) => boolean][] = [
  ['a Map', types.isMap],
  ['a Set', types.isSet],
  ['an Error', types.isNativeError],
  ['a RegExp', types.isRegExp],
  ['a WeakMap', types.isWeakMap],
  ['a WeakSet', types.isWeakSet],
];

/** Of these JSON would make `{}` or worse, and what was meant would be lost without a word. */
function whyNotJson(data: unknown): string | undefined {
  if (data === null) return 'it is null';
  if (typeof data !== 'object') return `it is of the type ${typeof data}`;
  if (isPlain(data)) return undefined;
  if (types.isPromise(data)) return 'it is a promise: await it';
  const hollow = HOLLOW.find(([, is]) => is(data));
  if (hollow !== undefined && !('toJSON' in data)) return `JSON cannot hold ${hollow[0]}`;
  if (ArrayBuffer.isView(data) || types.isAnyArrayBuffer(data)) return 'bytes must be a Uint8Array or Buffer';
  return undefined;
}

/** Most are: of them nothing more need be asked. */
function isPlain(data: object): boolean {
  return !types.isProxy(data) && Object.getPrototypeOf(data) === Object.prototype;
}

function checkSize({ name, maxMessageBytes }: EncodingRules, bytes: number): void {
  if (bytes > maxMessageBytes) throw new PayloadTooLargeError(name, bytes, maxMessageBytes);
}

function checkUtf8({ name }: EncodingRules, data: Uint8Array): void {
  if (!isUtf8(data)) throw new InvalidPayloadError(name, 'the bytes are not UTF-8');
}
