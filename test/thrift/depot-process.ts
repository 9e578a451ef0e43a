import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./depot-server.mjs', import.meta.url));

/** The service of depot.thrift in a process of its own, which can be killed and stopped. */
export interface DepotProcess extends AsyncDisposable {
  readonly port: number;
  /** Resolves when a call of `hang` has arrived. */
  hanging(): Promise<void>;
  /** Sends the signal; after SIGKILL, resolves once the process is gone. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
}

/** @param port - default: any free one */
export async function startDepotProcess(port = 0): Promise<DepotProcess> {
  const child = fork(SCRIPT, [String(port)], { execArgv: [] });
  const gone = once(child, 'exit');
  const [said] = (await once(child, 'message')) as [{ port: number }];
  const signal: DepotProcess['signal'] = async (name) => {
    child.kill(name);
    if (name === 'SIGKILL') await gone;
  };
  return {
    port: said.port,
    hanging: async () => void (await once(child, 'message')),
    signal,
    [Symbol.asyncDispose]: () => signal('SIGKILL'),
  };
}
