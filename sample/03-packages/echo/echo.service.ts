import { Injectable } from '@nestjs/common';
import { InjectPool } from 'nestjs-conn-pool';
import { type PoolConn, TcpPool } from 'nestjs-conn-pool/tcp';
import { ForgettingServer, KeepingServer, PackageServer } from './echo.servers.js';

/** For a connection, and then for an answer. Milliseconds. */
const PATIENCE = 2000;

export interface Answer {
  answer: string;
  /** Whether the connection was there before. */
  reused: boolean;
  /** Two answers with the same one came over the same connection. */
  localPort: number | undefined;
}

@Injectable()
export class EchoService {
  constructor(
    @InjectPool('echo') private readonly pool: TcpPool,
    private readonly packages: PackageServer,
    private readonly keeping: KeepingServer,
    private readonly forgetting: ForgettingServer,
  ) {}

  /** A package for a package. */
  byPackage(text: string): Promise<Answer> {
    return this.ask(this.packages.address, (conn) => conn.sendRecvPkg(text, { timeout: PATIENCE }));
  }

  /** Many packages in one write; their answers in as few reads as they come in. */
  async manyByPackage(texts: readonly string[]): Promise<string[]> {
    await using conn = await this.pool.get(this.packages.address, { timeout: PATIENCE });
    conn.setDeadline(Date.now() + PATIENCE);
    await conn.sendPkgs(texts);
    const answers: string[] = [];
    while (answers.length < texts.length) answers.push(...(await conn.recvPkgs()).map(String));
    return answers;
  }

  /** Whatever is sent, whatever comes back: a server that keeps the connection. */
  byBytes(text: string): Promise<Answer> {
    return this.ask(this.keeping.address, (conn) => conn.sendRecv(text, -1, { timeout: PATIENCE }));
  }

  /** The same, by a server that hangs up after each answer. The caller does not notice. */
  byNewConnection(text: string): Promise<Answer> {
    return this.ask(this.forgetting.address, (conn) => conn.sendRecv(text, -1, { timeout: PATIENCE }));
  }

  private async ask(address: string, exchange: (conn: PoolConn) => Promise<Buffer>): Promise<Answer> {
    await using conn = await this.pool.get(address, { timeout: PATIENCE });
    const { reused, localPort } = conn;
    return { answer: String(await exchange(conn)), reused, localPort };
  }
}
