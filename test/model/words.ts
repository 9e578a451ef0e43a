import type { Conn } from './records.js';

export function named({ serial }: Conn): string {
  return `connection ${serial}`;
}

export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

export function textOf(error: unknown): string {
  return String((error as Error | undefined)?.stack ?? error);
}
