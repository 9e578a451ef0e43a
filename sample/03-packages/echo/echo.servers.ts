import { Injectable } from '@nestjs/common';
import { type TcpConn, TcpServer } from 'nestjs-conn-pool/tcp';

// Servers are providers like any other: they listen when the application begins, and close with it.

/** Where a server listens: any free port of the loopback, unless the environment says otherwise. */
const listenAt = (variable: string): string => process.env[variable] ?? '127.0.0.1:0';

const answerTo = (data: Buffer): Buffer => Buffer.concat([Buffer.from('> '), data]);

/** Answers each package with one, as long as the client likes. */
@Injectable()
export class PackageServer extends TcpServer {
  constructor() {
    super({ address: listenAt('PACKAGE_SERVER'), handler: (conn) => this.serve(conn) });
  }

  private async serve(conn: TcpConn): Promise<void> {
    for await (const data of conn.packages({ maxDataSize: 1000 })) await conn.sendPkg(answerTo(data));
  }
}

/** The first example of gtcp: answers what comes, and keeps the connection. */
@Injectable()
export class KeepingServer extends TcpServer {
  constructor() {
    super({
      address: listenAt('KEEPING_SERVER'),
      handler: async (conn) => {
        // Until the client hangs up.
        for (;;) await conn.send(answerTo(await conn.recv(-1)));
      },
    });
  }
}

/** The second example of gtcp: answers once, and hangs up. */
@Injectable()
export class ForgettingServer extends TcpServer {
  constructor() {
    super({
      address: listenAt('FORGETTING_SERVER'),
      handler: async (conn) => {
        await conn.send(answerTo(await conn.recv(-1)));
      },
    });
  }
}
