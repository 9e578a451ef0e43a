import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import thrift from 'thrift';
import * as v from 'valibot';
import { type Duration, parseDuration } from '../core/duration.js';
import type { OptionProblem } from '../core/index.js';
import { InvalidThriftOptionsError } from './thrift-errors.js';
import type { ThriftClass, ThriftConnectorOptions, ThriftService } from './thrift-options.js';

// Apart from the options as users see them: who imports those must not need the types of the thrift package.
export type ThriftTransportClass = typeof thrift.TBufferedTransport & {
  readonly DEFAULT_MAX_LENGTH?: number;
};
export type ThriftProtocolClass = typeof thrift.TBinaryProtocol;

/** The options of one connector, complete; times in milliseconds. */
export interface ResolvedThriftOptions<T> {
  service: ThriftService<T>;
  target: { host: string; port: number } | { path: string };
  /** For people. */
  address: string;
  transport: ThriftTransportClass;
  protocol: ThriftProtocolClass;
  tls: (ConnectionOptions & { secureContext: SecureContext }) | undefined;
  connectTimeout: number;
  ping: ((client: T) => unknown) | undefined;
  maxMessageSize: number | undefined;
}

const text = v.custom<string>(
  (value) => typeof value === 'string' && value !== '',
  'a text that is not empty',
);

const aClass = (value: unknown): value is ThriftClass =>
  typeof value === 'function' && typeof value.prototype === 'object';

const isTransport = (value: unknown): boolean =>
  aClass(value) && typeof (value as Partial<ThriftTransportClass>).receiver === 'function';

const FIELDS = {
  service: v.custom<ThriftService<unknown>>(
    (value) => aClass(value) || aClass((value as { Client?: unknown } | null | undefined)?.Client),
    'what the Thrift compiler generates for a service, with its Client class',
  ),
  host: v.optional(text),
  port: v.optional(
    v.custom<number>(
      (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535,
      'a whole number from 1 to 65535',
    ),
  ),
  path: v.optional(text),
  transport: v.optional(
    v.custom<'buffered' | 'framed' | ThriftClass>(
      (value) => value === 'buffered' || value === 'framed' || isTransport(value),
      "'buffered', 'framed' or a transport class of the thrift package",
    ),
    'buffered',
  ),
  protocol: v.optional(
    v.custom<'binary' | 'compact' | 'json' | ThriftClass>(
      (value) =>
        ['binary', 'compact', 'json'].includes(value as string) ||
        (aClass(value) && 'writeMessageBegin' in value.prototype),
      "'binary', 'compact', 'json' or a protocol class of the thrift package",
    ),
    'binary',
  ),
  tls: v.optional(
    v.custom<boolean | ConnectionOptions>(
      (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
      'true, false or the options of tls.connect()',
    ),
    false,
  ),
  connectTimeout: v.optional(
    v.pipe(
      v.custom<Duration>((value) => {
        const ms = parseDuration(value);
        return ms !== undefined && ms > 0 && ms < Infinity;
      }, "a finite duration above 0, in milliseconds or as text such as '5s'"),
      v.transform((value) => parseDuration(value) as number),
    ),
    '5s',
  ),
  ping: v.optional(
    v.custom<string | ((client: unknown) => unknown)>(
      (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
      'a function of the client, or the name of one of its methods',
    ),
  ),
  maxMessageSize: v.optional(
    v.custom<number>(
      (value) => (Number.isInteger(value) && (value as number) >= 1) || value === Infinity,
      'a whole number of bytes from 1, or Infinity',
    ),
  ),
};

const SCHEMA = v.strictObject(FIELDS, ({ expected }) =>
  expected === 'never' ? `one of: ${Object.keys(FIELDS).join(', ')}` : 'an object of options',
);

type Checked = v.InferOutput<typeof SCHEMA>;

/** Checks the options and completes them. @throws InvalidThriftOptionsError with every bad field */
export function resolveThriftOptions<T>(options: ThriftConnectorOptions<T>): ResolvedThriftOptions<T> {
  const isObject = typeof options === 'object' && options !== null;
  // A key that is missing would be told as a fault of the whole.
  const result = v.safeParse(SCHEMA, isObject ? Object.assign({ service: undefined }, options) : options);
  const checked = result.output as Checked;
  const problems = result.success ? [] : result.issues.map(problemOf);
  if (isObject) problems.push(...contradictions(options));
  const secureContext = problems.length === 0 ? secureContextOf(checked.tls, problems) : undefined;
  if (problems.length > 0) throw new InvalidThriftOptionsError(problems);
  const { service, connectTimeout, maxMessageSize } = checked;
  return {
    service: service as ThriftService<T>,
    ...targetOf(checked),
    transport: transportOf(checked.transport),
    protocol: protocolOf(checked.protocol),
    tls: secureContext && { ...(checked.tls as ConnectionOptions), secureContext },
    connectTimeout,
    ping: pingOf<T>(checked.ping),
    maxMessageSize,
  };
}

type Given = { readonly [F in keyof typeof FIELDS]?: unknown };

function contradictions(options: Given): OptionProblem[] {
  const { service, host, port, path, ping } = options;
  const problems: OptionProblem[] = [];
  if (port === undefined && path === undefined) {
    problems.push({
      path: 'port',
      given: port,
      allowed: 'a whole number from 1 to 65535, or "path" in its place',
    });
  }
  if (path !== undefined && (port !== undefined || host !== undefined)) {
    problems.push({ path: 'path', given: path, allowed: 'either "path" or "host" and "port", not both' });
  }
  const Client = (service as { Client?: unknown } | undefined)?.Client ?? service;
  if (typeof ping === 'string' && ping !== '' && aClass(Client) && !(ping in Client.prototype)) {
    problems.push({ path: 'ping', given: ping, allowed: 'the name of a method of the service' });
  }
  return problems;
}

/** Made once for all connections: reading certificates costs more than the handshake, and bad ones are told at once. */
function secureContextOf(tls: Checked['tls'], problems: OptionProblem[]): SecureContext | undefined {
  if (tls === false) return undefined;
  const options = tls === true ? {} : tls;
  try {
    return options.secureContext ?? createSecureContext(options);
  } catch (error) {
    const { message } = error as Error;
    problems.push({
      path: 'tls',
      given: Object.keys(options),
      allowed: `options that TLS accepts (${message})`,
    });
    return undefined;
  }
}

function targetOf({ host, port, path }: Checked): Pick<ResolvedThriftOptions<unknown>, 'target' | 'address'> {
  if (path !== undefined) return { target: { path }, address: path };
  const name = host ?? 'localhost';
  const address = `${name.includes(':') ? `[${name}]` : name}:${port}`;
  return { target: { host: name, port: port as number }, address };
}

function transportOf(transport: 'buffered' | 'framed' | ThriftClass): ThriftTransportClass {
  if (transport === 'buffered') return thrift.TBufferedTransport;
  return transport === 'framed' ? thrift.TFramedTransport : (transport as ThriftTransportClass);
}

function protocolOf(protocol: 'binary' | 'compact' | 'json' | ThriftClass): ThriftProtocolClass {
  if (protocol === 'binary') return thrift.TBinaryProtocol;
  if (protocol === 'compact') return thrift.TCompactProtocol;
  return protocol === 'json' ? thrift.TJSONProtocol : (protocol as ThriftProtocolClass);
}

function pingOf<T>(
  ping: string | ((client: unknown) => unknown) | undefined,
): ((client: T) => unknown) | undefined {
  if (typeof ping !== 'string') return ping;
  return (client) => (client as { [method: string]: () => unknown })[ping]!();
}

function problemOf(issue: v.BaseIssue<unknown>): OptionProblem {
  const last = issue.path?.at(-1);
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? 'options';
  return { path, given: last === undefined ? issue.input : last.value, allowed: issue.message };
}
