// Runs one compiled snippet: node run-snippet.mjs <file>. An AppModule that it exports is booted and closed again.
import { pathToFileURL } from 'node:url';

const { AppModule } = await import(pathToFileURL(process.argv[2] ?? '').href);
if (AppModule !== undefined) {
  const { NestFactory } = await import('@nestjs/core');
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: ['error'],
    abortOnError: false,
  });
  await app.close();
}
