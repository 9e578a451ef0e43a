import { mutantsOf } from '../../scripts/mutation/mutants.mjs';

/** The edits of a line of code, as `original → mutated`. */
function editsOf(line: string): string[] {
  const source = `function work(a, b, c) {\n  ${line}\n  return a;\n}\n`;
  return mutantsOf('work.ts', source)
    .filter(({ line: at }) => at === 2)
    .map(({ key }) => key.split(' | ').slice(3).join(' | '));
}

describe('the mutants of a line', () => {
  it.each([
    ['if (a < 1) b();', ['a < 1 → true', '< → <=', '< → >=', '1 → 0', 'b(); → (deleted)']],
    ['if (a()) b(); else c();', ['a() → true', 'a() → false', 'b(); → (deleted)', 'c(); → (deleted)']],
    ['while (a) b();', ['a → false', 'b(); → (deleted)']],
    ['if (!a) return;', ['!a → true', '!a → a', 'return; → (deleted)']],
    ['c = a && b;', ['c = a && b; → (deleted)', 'a && b → (a || b)', 'a && b → (a)', 'a && b → (b)']],
    ['c = a ?? 0;', ['c = a ?? 0; → (deleted)', 'a ?? 0 → (a)', 'a ?? 0 → (0)', '0 → 1']],
    ['c = a?.b();', ['c = a?.b(); → (deleted)', '?. → .']],
    ['a.b -= 7;', ['a.b -= 7; → (deleted)', '-= → +=', '7 → 8']],
    ["const d = { type: 'x', on: true };", ["'x' → ''", 'true → false']],
    ['const d = () => a.b();', ['a.b() → undefined']],
    ['const d = Math.max(a, -1);', ['max → min', '-1 → 1']],
    ['const d = [...a];', ['[...a] → (a)']],
    [
      "const d = typeof a === 'x' ? b : c;",
      ["typeof a === 'x' → true", "typeof a === 'x' → false", '=== → !=='],
    ],
  ])('%s', (line, edits) => {
    expect(editsOf(line).sort()).toEqual([...edits].sort());
  });

  it('are none in types, names and imports', () => {
    const source = `import x from 'y';\nexport type A = 'a' | 'b';\ninterface B { c: 1; 'd-e': true }\nlet f: 'g' | 0;\n`;
    expect(mutantsOf('types.ts', source)).toEqual([]);
  });
});

describe('the key of a mutant', () => {
  const keysOf = (source: string) => mutantsOf('f.ts', source).map(({ key }) => key);
  const method = '  count() {\n    this.n += 1;\n    return this.n;\n  }\n';

  it('stays the same after edits elsewhere in the file', () => {
    const before = keysOf(`class A {\n${method}}\n`);
    const after = keysOf(`const first = a(b);\n\nclass A {\n  other() {\n    c();\n  }\n\n${method}}\n`);
    expect(before.length).toBeGreaterThan(3);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it('is its own, also where the same edit is possible twice in a line', () => {
    const keys = keysOf('function f() {\n  return a(1) + b(1, 1);\n}\n');
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => key.includes('1 → 0'))).toHaveLength(3);
  });
});

describe('the calls that serve the line', () => {
  it('are found by their names, wherever they stand', () => {
    const source = `class A {
      ring = () => this.serve();
      ended() {
        this.keeper.serve();
        if (this.line.size > 0) this.usher.aborted(1);
        this.rounds.shelved(1);
        this.keeper.shelved();
        log(1);
      }
    }`;
    const serving = mutantsOf('f.ts', source).filter(({ serves }) => serves);
    expect(serving.map(({ line }) => line)).toEqual([2, 4, 5, 7]);
  });
});
