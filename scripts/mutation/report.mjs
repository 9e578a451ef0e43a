// What is printed in the end, and whether it is good enough.

const isNoticed = ({ how }) => !['survived', 'unreached', 'untried'].includes(how);

/** @returns the exit code */
export function report(results, harmless, { seconds, leastScore, unfit }) {
  const rows = [...new Set(results.map(({ mutant }) => mutant.file))].map((file) =>
    rowOf(
      file,
      results.filter(({ mutant }) => mutant.file === file),
      harmless,
    ),
  );
  const total = rowOf('all', results, harmless);
  console.log();
  console.table(Object.fromEntries([...rows, total].map(({ file, ...columns }) => [file, columns])));

  const survivors = results.filter((result) => !isNoticed(result));
  const explained = survivors.filter(({ mutant }) => harmless.reasonFor(mutant) !== undefined);
  const unexplained = survivors.filter(({ mutant }) => harmless.reasonFor(mutant) === undefined);
  const stale = results.filter(
    (result) => isNoticed(result) && harmless.reasonFor(result.mutant) !== undefined,
  );
  section(
    'Unnoticed, and harmless',
    explained.map(({ mutant }) => `${at(mutant)}\n    ${harmless.reasonFor(mutant)}`),
  );
  section(
    'Called harmless, but noticed',
    stale.map(({ mutant, by }) => `${at(mutant)}\n    ${by}`),
  );
  section('Called harmless, but no mutant of this library', harmless.unknown);
  section(
    'Unnoticed, without a reason',
    unexplained.map(({ mutant, how }) => `${how} ${at(mutant)}`),
  );
  console.log(`\n${results.length} mutants, ${total['%']} % noticed, ${seconds} s`);
  return total['%'] >= leastScore && unexplained.length + harmless.unknown.length + unfit.length === 0
    ? 0
    : 1;
}

function rowOf(file, results, harmless) {
  const count = (...hows) => results.filter(({ how }) => hows.includes(how)).length;
  const noticed = results.filter(isNoticed).length;
  return {
    file,
    mutants: results.length,
    failed: count('failed'),
    hung: count('hung'),
    crashed: count('crashed'),
    survived: count('survived'),
    unreached: count('unreached'),
    harmless: results.filter((one) => !isNoticed(one) && harmless.reasonFor(one.mutant) !== undefined).length,
    '%': results.length === 0 ? 100 : Math.floor((noticed / results.length) * 1000) / 10,
  };
}

/** Each call deleted alone, and the test that noticed. @returns the exit code */
export function reportServing(results) {
  console.log();
  for (const { mutant, how, by } of results) console.log(`${at(mutant)}\n    ${how}${by ? `: ${by}` : ''}`);
  const unnoticed = results.filter((result) => !isNoticed(result));
  console.log(
    `\n${results.length} calls that serve the line, ${unnoticed.length} deleted without a test that fails`,
  );
  return unnoticed.length === 0 ? 0 : 1;
}

function section(title, lines) {
  if (lines.length > 0) console.log(`\n${title} (${lines.length}):\n  ${lines.join('\n  ')}`);
}

function at({ line, key }) {
  const [file, scope, text, edit, ...more] = key.split(' | ');
  return `${file}:${line} | ${[scope, text, edit, ...more].join(' | ')}`;
}
