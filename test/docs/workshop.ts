import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { type Fence, ROOT } from './pages.js';
import { fileName } from './snippet.js';

/** What snippets may import besides each other: the sample's generated service and its server. */
const BESIDE = ['gen', 'thrift-server.ts'];

/**
 * A folder outside of the checkout in which all snippets lie side by side, as in a user's own project: the package is
 * found under its name, everything else in the checkout's node_modules.
 */
export class Workshop {
  readonly dir = mkdtempSync(join(tmpdir(), 'conn-pool-docs-'));
  private readonly pages = join(this.dir, 'pages');

  constructor(private readonly snippets: readonly Fence[]) {
    mkdirSync(join(this.pages, 'node_modules'), { recursive: true });
    mkdirSync(join(this.dir, 'lib'));
    symlinkSync(join(ROOT, 'node_modules'), join(this.dir, 'node_modules'), 'dir');
    symlinkSync(join(this.dir, 'lib'), join(this.pages, 'node_modules/nestjs-conn-pool'), 'dir');
    this.write('package.json', JSON.stringify({ type: 'module' }));
    this.write('lib/package.json', JSON.stringify(asPublished()));
    for (const name of BESIDE)
      cpSync(join(ROOT, 'sample/01-thrift', name), join(this.pages, name), { recursive: true });
    for (const snippet of snippets) this.write(`pages/${fileName(snippet)}`, inPlace(snippet));
  }

  /** The compiled snippet. */
  pathOf(snippet: Fence): string {
    return join(this.pages, fileName(snippet).replace(/\.ts$/, '.js'));
  }

  /** Type-checks and compiles all snippets, in one program. @returns what is wrong, by page and line */
  compile(): string[] {
    const roots = this.snippets.map((snippet) => join(this.pages, fileName(snippet)));
    const program = ts.createProgram(roots, this.compilerOptions());
    const checked = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(this.pages));
    const problems = [
      ...program.getOptionsDiagnostics(),
      ...checked.flatMap((file) => [
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]),
    ];
    program.emit(undefined, (path, text) => this.write(this.placeOf(path), text));
    return problems.map((problem) => this.tell(problem));
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private compilerOptions(): ts.CompilerOptions {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: object;
    };
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
    return {
      ...options,
      noEmit: false,
      allowJs: false,
      declaration: false,
      sourceMap: false,
      inlineSourceMap: true,
      types: ['node'],
    };
  }

  /** The library is compiled along: the snippets run against what the checkout holds, built or not. */
  private placeOf(path: string): string {
    const inLib = relative(join(ROOT, 'lib'), path);
    return inLib.startsWith('..') ? relative(this.dir, path) : join('lib', inLib);
  }

  private write(path: string, text: string): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), text);
  }

  private tell({ file, start = 0, messageText }: ts.Diagnostic): string {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    if (file === undefined) return text;
    const { line } = file.getLineAndCharacterOfPosition(start);
    const name = relative(this.pages, file.fileName);
    const snippet = this.snippets.find((each) => fileName(each) === name);
    return `${snippet?.page ?? name}:${line + 1}: ${text}`;
  }
}

/** As in the page, at the same line: so every error names the line that the reader sees. */
function inPlace({ line, lines }: Fence): string {
  return '\n'.repeat(line - 1) + lines.join('\n') + '\n';
}

function asPublished(): object {
  return {
    name: 'nestjs-conn-pool',
    type: 'module',
    exports: { '.': './index.js', './*': './*/index.js' },
  };
}
