import { Agent, request } from 'node:http';

/** What a server answered. */
export interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A client that keeps its one connection open as long as the server lets it. */
export class KeepAliveClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly port: number) {}

  get(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: this.port, path, agent: this.agent }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** Connections it holds open for a next request. */
  get idle(): number {
    return Object.values(this.agent.freeSockets).reduce((sum, sockets) => sum + (sockets?.length ?? 0), 0);
  }

  close(): void {
    this.agent.destroy();
  }
}
