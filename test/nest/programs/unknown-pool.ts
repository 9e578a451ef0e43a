import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ConnPool, ConnPoolModule, InjectPool } from '../../../lib/index.js';

/** An application that injects a pool nobody registers. */
@Injectable()
class Service {
  constructor(@InjectPool('thrfit') readonly pool: ConnPool<number>) {}
}

const connector = { dial: () => 1, close: () => undefined };

@Module({
  imports: [ConnPoolModule.forRoot(), ConnPoolModule.forFeature({ name: 'thrift', connector })],
  providers: [Service],
})
class AppModule {}

// The default would abort, and may leave a core file behind.
await NestFactory.create(AppModule, { abortOnError: false });
