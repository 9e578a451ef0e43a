// Which tests come by which mutant: the library with a probe at every place that a mutant may change.
import ts from 'typescript';

/**
 * @param {import('./mutants.mjs').Mutant[]} mutants - of one file; each is told its site
 * @param firstSite - the number of the first probe
 * @returns {{ text: string, sites: number }} the file with its probes, and how many there are
 */
export function withProbes(source, mutants, firstSite) {
  const sites = new Map();
  for (const mutant of mutants) {
    if (!sites.has(mutant.node)) sites.set(mutant.node, firstSite + sites.size);
    mutant.site = sites.get(mutant.node);
  }
  const insertions = [...sites].flatMap(([node, site]) => insertionsAt(node, site));
  // At one place: what ends there first, the innermost first; then what begins there, the outermost first.
  insertions.sort((one, other) => one.at - other.at || one.opens - other.opens || one.rank - other.rank);
  let text = '';
  let from = 0;
  for (const { at, insert } of insertions) {
    text += source.slice(from, at) + insert;
    from = at;
  }
  return { text: text + source.slice(from), sites: sites.size };
}

function insertionsAt(node, site) {
  const [start, end] = [node.getStart(), node.getEnd()];
  const length = end - start;
  if (ts.isBlock(node)) return [{ at: start + 1, opens: 1, rank: -Infinity, insert: ` $hit(${site});` }];
  const [before, after] = ts.isStatement(node) ? [`{ $hit(${site}); `, ' }'] : [`($hit(${site}), `, ')'];
  return [
    { at: start, opens: 1, rank: -length, insert: before },
    { at: end, opens: 0, rank: length, insert: after },
  ];
}
