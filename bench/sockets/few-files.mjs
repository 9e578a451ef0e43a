/** Beside its sockets a process has a few more files open. */
const OTHER_FILES = 100;

/**
 * What keeps a scenario from being run where too few files may be open.
 *
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @returns {string | undefined}
 */
export function fewFiles({ files }) {
  if (files === undefined) return undefined;
  const open = process.report.getReport().userLimits?.open_files.soft;
  const needed = files + OTHER_FILES;
  if (open === 'unlimited' || open === undefined || Number(open) >= needed) return undefined;
  return `needs ${needed} open files, and there may be ${open} (ulimit -n)`;
}
