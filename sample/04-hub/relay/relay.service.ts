import { Injectable } from '@nestjs/common';
import {
  type ConnHub,
  type Delivery,
  InjectHub,
  InvalidIdError,
  type Membership,
} from 'nestjs-conn-pool/hub';
import { HUB } from './hub.js';

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
    for await (const line of membership.lines()) {
      const letter = read(line);
      if (letter === undefined) await this.hub.push(id, { error: 'a line is {"to":"…","text":"…"}' });
      else await this.hub.push(id, { to: letter.to, ...(await this.send(id, letter)) });
    }
  }

  private async send(
    from: string,
    { to, text }: Letter,
  ): Promise<Pick<Delivery, 'status' | 'node' | 'reason'>> {
    try {
      const { status, node, reason } = await this.hub.push(to, { from, text });
      return { status, node, reason };
    } catch (error) {
      if (error instanceof InvalidIdError) return { status: 'offline' };
      throw error;
    }
  }
}

function read(line: string): Letter | undefined {
  try {
    const { to, text } = JSON.parse(line) as Partial<Letter>;
    return typeof to === 'string' && typeof text === 'string' ? { to, text } : undefined;
  } catch {
    return undefined;
  }
}
