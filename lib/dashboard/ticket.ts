import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** What a page of this instance of the application knows and a page of another site cannot. */
@Injectable()
export class Ticket {
  /** Tells a page that the application has been started anew. */
  readonly instance = randomBytes(6).toString('base64url');
  readonly token = randomBytes(24).toString('base64url');

  admits(given: unknown): boolean {
    const expected = Buffer.from(this.token);
    const shown = Buffer.from(typeof given === 'string' ? given : '');
    return shown.length === expected.length && timingSafeEqual(shown, expected);
  }
}
