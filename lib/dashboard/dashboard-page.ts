import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { DashboardSettings } from './dashboard-options.js';
import { DASHBOARD_SETTINGS } from './dashboard-tokens.js';
import { pageParts } from './page-parts.js';
import { forbidCrossOrigin } from './raw-http.js';

/** The page: one document that holds all it needs. */
@Injectable()
export class DashboardPage {
  private text: string | undefined;

  constructor(@Inject(DASHBOARD_SETTINGS) private readonly settings: DashboardSettings) {}

  answer(response: ServerResponse): void {
    const nonce = randomBytes(18).toString('base64url');
    forbidCrossOrigin(response);
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy(nonce),
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    this.text ??= this.document();
    response.end(this.text.replaceAll(NONCE, nonce));
  }

  private document(): string {
    const { page, style, library, script } = pageParts();
    const put: Record<string, string> = {
      '{{title}}': escaped(this.settings.title),
      '<!-- style -->': `<style nonce="${NONCE}">${style}</style>`,
      '<!-- library -->': `<script nonce="${NONCE}">${library}</script>`,
      '<!-- script -->': `<script type="module" nonce="${NONCE}">${script}</script>`,
    };
    return page.replace(/{{title}}|<!-- \w+ -->/g, (place) => put[place] ?? place);
  }
}

const NONCE = '{{nonce}}';

/** Nothing from elsewhere, and of scripts and styles only those that stand in the document itself. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
