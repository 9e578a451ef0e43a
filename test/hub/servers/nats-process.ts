import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, ServerProcess } from './server-process.js';

/** A NATS server of a test's own. */
export class NatsProcess extends ServerProcess {
  /** @param login - what of it a client must say: `user:password`, or a token */
  private constructor(
    port: number,
    private readonly login: string,
    private readonly settings: string,
  ) {
    super(port, 'nats-server');
  }

  /** @param settings - in the server's own language */
  static async start(login = '', settings = ''): Promise<NatsProcess> {
    const nats = new NatsProcess(await freePort(), login, settings);
    await nats.run();
    return nats;
  }

  get url(): string {
    return `nats://${this.login === '' ? '' : `${this.login}@`}127.0.0.1:${this.port}`;
  }

  protected override words(): string[] {
    const config = join(this.folder, 'nats.conf');
    const [user, password] = this.login.split(':').map((each) => JSON.stringify(each));
    const token = password === undefined ? `token: ${user}` : `user: ${user}, password: ${password}`;
    const authorization = this.login === '' ? '' : `authorization { ${token} }\n`;
    writeFileSync(config, `listen: "127.0.0.1:${this.port}"\n${authorization}${this.settings}\n`);
    return ['-c', config];
  }
}
