import { cpus } from 'node:os';

/** Where a run took place, in one line. */
export function machine(rounds) {
  const [cpu] = cpus();
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model.trim()}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`;
}
