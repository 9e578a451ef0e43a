import { spawnSync } from 'node:child_process';

/** Set where every program must be there (`.ci/run`): no test is skipped for want of one then. */
const MUST_BE_THERE = 'TEST_PROGRAMS_REQUIRED';

/** `describe`, or tests that are skipped and say why: for want of programs. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => !isThere(program));
  describeUnless(missing.length > 0 && `${missing.join(' and ')} not on the PATH`, name, tests);
}

/** @param reason - why the tests cannot be run here, if they cannot */
export function describeUnless(reason: string | false, name: string, tests: () => void): void {
  if (reason === false) return describe(name, tests);
  if (process.env[MUST_BE_THERE] !== undefined) {
    return describe(name, () => {
      it('has the programs it needs', () => {
        throw new Error(`${reason}, and ${MUST_BE_THERE} is set`);
      });
    });
  }
  // Not by the console, of which Jest shows nothing when all tests of a file are skipped.
  process.stderr.write(`Skipped: ${name}: ${reason}\n`);
  describe.skip(`${name} (${reason})`, tests);
}

export function isThere(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
