/** Beside its sockets a process has a few more files open. */
const OTHER_FILES = 100;

/**
 * What keeps a scenario from being run where too few files may be open.
 *
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {readonly import('./scenarios.mjs').Scenario[]} all
 * @returns {string | undefined}
 */
export function fewFiles({ name, files }, all) {
  const open = process.report.getReport().userLimits?.open_files.soft;
  const isEnough = (needed) =>
    needed === undefined ||
    open === 'unlimited' ||
    open === undefined ||
    Number(open) >= needed + OTHER_FILES;
  if (isEnough(files)) return undefined;
  const others = all.filter((scenario) => isEnough(scenario.files)).map((scenario) => scenario.name);
  return `"${name}" needs ${files + OTHER_FILES} open files, and there may be ${open}: raise "ulimit -n", or --only ${others.join(',')} leaves it out`;
}
