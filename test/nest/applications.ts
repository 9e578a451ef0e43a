import 'reflect-metadata';
import { type INestApplication, type LoggerService, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';

/** Everything an application has written, by level. */
export class LogBook implements LoggerService {
  readonly lines: { level: string; text: string; context: unknown }[] = [];

  log = this.writer('log');
  warn = this.writer('warn');
  error = this.writer('error');
  debug = this.writer('debug');
  verbose = this.writer('verbose');
  fatal = this.writer('fatal');

  /** What the pools have written. */
  ofPools(level?: string): string[] {
    return this.lines
      .filter((line) => line.context === 'ConnPool' && (level === undefined || line.level === level))
      .map(({ text }) => text);
  }

  private writer(level: string) {
    return (message: unknown, ...rest: unknown[]): void => {
      this.lines.push({ level, text: String(message), context: rest.at(-1) });
    };
  }
}

/**
 * Boots applications for the tests of one `describe` and closes them after each test.
 *
 * @example
 * const { boot } = applications();
 * const app = await boot({ imports: [ConnPoolModule.forRoot()] });
 */
export function applications() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });

  /** Compiled, but not begun: no hook has run. */
  async function compile(
    metadata: ModuleMetadata,
    { log = new LogBook(), adjust = (builder: TestingModuleBuilder) => builder } = {},
  ): Promise<TestingModule> {
    @Module(metadata)
    class AppModule {}
    const builder = Test.createTestingModule({ imports: [AppModule] }).setLogger(log);
    const module = await adjust(builder).compile();
    open.push(module);
    return module;
  }

  /** Compiled and begun. */
  async function boot(...how: Parameters<typeof compile>): Promise<TestingModule> {
    const module = await compile(...how);
    await module.init();
    return module;
  }

  /** To be closed with the others. */
  function adopt<App extends INestApplication>(app: App): App {
    open.push(app);
    return app;
  }

  return { compile, boot, adopt };
}
