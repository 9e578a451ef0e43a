import type { IncomingMessage, ServerResponse } from 'node:http';

/** Express's request is Node's own; Fastify's holds it. */
export function rawRequest(request: object): IncomingMessage {
  return 'raw' in request ? (request.raw as IncomingMessage) : (request as IncomingMessage);
}

/** Node's response, which Fastify has to be told to leave alone. Whatever wraps answers does not get hold of it. */
export function rawResponse(reply: object): ServerResponse {
  if (!('raw' in reply)) return reply as ServerResponse;
  if ('hijack' in reply) (reply.hijack as () => unknown).call(reply);
  return reply.raw as ServerResponse;
}

/** No page of another site may read this, whatever the application allows for its other routes. */
export function forbidCrossOrigin(response: ServerResponse): void {
  for (const name of response.getHeaderNames()) {
    if (name.startsWith('access-control-')) response.removeHeader(name);
  }
}

/** Whoever asked is not there any more, and no 'close' will come to say so. HTTP/2's response only stands before its stream. */
export function isGone(
  response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } },
): boolean {
  return (response.stream ?? response).destroyed;
}

/** What the client calls this server by, with the port. HTTP/2 has ":authority" in its place. */
export function hostOf({ headers }: IncomingMessage): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined);
}
