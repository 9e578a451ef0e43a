import 'reflect-metadata';
import { register } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** An application of somebody who has not installed @nestjs/config. */
const missing = `export function resolve(specifier, context, next) {
  if (specifier !== '@nestjs/config') return next(specifier, context);
  throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(missing)}`);

const { connPoolConfig, ConnPoolModule } = await import('../../../lib/index.js');

@Module({ imports: [ConnPoolModule.forRoot(connPoolConfig())] })
class AppModule {}

@Module({ imports: [ConnPoolModule.forRootAsync(connPoolConfig.asProvider())] })
class ConfigAppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
await app.close();
process.stdout.write('works without\n');
await NestFactory.createApplicationContext(ConfigAppModule, { logger: false, abortOnError: false }).catch(
  (error: Error) => process.stdout.write(`refused: ${error.message}\n`),
);
