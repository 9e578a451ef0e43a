import thrift from 'thrift';

const { TException, TProtocolException, TProtocolExceptionType } = thrift.Thrift;

/**
 * Whether a connection cannot be used after a call on it has failed so. What the server answered leaves it in order: a
 * declared exception, an application exception, or the text that the generated code gives for an answer without a result.
 * So does a call that was never sent, because a required argument was missing. Everything else leaves the connection in a
 * state nobody knows.
 */
export function isFatal(error: unknown): boolean {
  return !(typeof error === 'string' || error instanceof TException || isUnsentCall(error));
}

/** Only generated code throws this type, when it is given the arguments; the runtime's own errors are of other types. */
function isUnsentCall(error: unknown): boolean {
  return error instanceof TProtocolException && error.type === TProtocolExceptionType.UNKNOWN;
}
