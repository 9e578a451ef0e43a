import { Injectable } from '@nestjs/common';
import {
  type ConnHub,
  ConnHubError,
  type Delivery,
  InjectHub,
  InvalidIdError,
  type Membership,
} from 'nestjs-conn-pool/hub';
import { HUB } from './hub.js';

/** A longer line closes the connection; a shorter one may still be too long to be passed on, with the sender's name added. */
const LONGEST_LINE = 16 * 1024;
/** What is called longer than that is nobody, and is not sent back. */
const LONGEST_NAME = 256;

/** What a client sends, one to a line. */
interface Letter {
  to: string;
  text: string;
}

/** Takes letters from whoever is connected, to whoever is connected, and tells what became of them. */
@Injectable()
export class RelayService {
  constructor(@InjectHub(HUB) private readonly hub: ConnHub) {}

  /** Until the connection ends. */
  async serve(membership: Membership | undefined): Promise<void> {
    if (membership === undefined) return;
    const { id } = membership;
    for await (const line of membership.lines({ maxLength: LONGEST_LINE })) {
      const letter = read(line);
      if (letter === undefined) await this.hub.push(id, { error: 'a line is {"to":"…","text":"…"}' });
      else await this.hub.push(id, { to: letter.to, ...(await this.send(id, letter)) });
    }
  }

  /** What a client wrote may be anything: that the hub does not take it is the client's business, and no failure. */
  private async send(from: string, { to, text }: Letter): Promise<Partial<Delivery> | { error: string }> {
    try {
      const { status, node, reason } = await this.hub.push(to, { from, text });
      return { status, node, reason };
    } catch (error) {
      if (error instanceof InvalidIdError) return { status: 'offline' };
      if (error instanceof ConnHubError) return { error: `the letter cannot be passed on: ${error.code}` };
      throw error;
    }
  }
}

function read(line: string): Letter | undefined {
  try {
    const { to, text } = JSON.parse(line) as Partial<Letter>;
    if (typeof to !== 'string' || typeof text !== 'string' || to.length > LONGEST_NAME) return undefined;
    return { to, text };
  } catch {
    return undefined;
  }
}
