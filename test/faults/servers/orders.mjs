/** What the test has given this process to begin with. */
export const given = JSON.parse(process.argv[2]);

/**
 * Does what the test orders by IPC, and says when it is done.
 *
 * @param {Record<string, (details: object) => unknown>} orders
 */
export function obey(orders) {
  process.on('message', async ({ id, order, ...details }) => {
    try {
      process.send({ id, result: await orders[order](details) });
    } catch (error) {
      process.send({ id, refused: error.code ?? String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send({ ready: true });
}

/** Resolves once it listens. */
export function listening(server, listen) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    listen(() => resolve());
  });
}
