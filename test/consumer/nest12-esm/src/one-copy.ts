import { strictEqual } from 'node:assert';
import { createRequire } from 'node:module';
import * as root from 'nestjs-conn-pool';
import * as core from 'nestjs-conn-pool/core';
import * as dashboard from 'nestjs-conn-pool/dashboard';
import * as net from 'nestjs-conn-pool/net';
import * as otel from 'nestjs-conn-pool/otel';
import * as prometheus from 'nestjs-conn-pool/prometheus';
import * as tcp from 'nestjs-conn-pool/tcp';
import * as terminus from 'nestjs-conn-pool/terminus';
import * as testing from 'nestjs-conn-pool/testing';
import * as thrift from 'nestjs-conn-pool/thrift';

/** However a module is asked for, its classes are the same: `instanceof` and injection by class depend on it. */
const require = createRequire(import.meta.url);

strictEqual(core.ConnPool, root.ConnPool);
strictEqual((require('nestjs-conn-pool') as typeof root).ConnPool, root.ConnPool);
strictEqual((require('nestjs-conn-pool/core') as typeof core).ConnPool, root.ConnPool);
strictEqual((require('nestjs-conn-pool') as typeof root).PoolRegistry, root.PoolRegistry);
strictEqual(
  (require('nestjs-conn-pool/terminus') as typeof terminus).ConnPoolHealthIndicator,
  terminus.ConnPoolHealthIndicator,
);
strictEqual(
  (require('nestjs-conn-pool/prometheus') as typeof prometheus).ConnPoolPrometheusModule,
  prometheus.ConnPoolPrometheusModule,
);
strictEqual(
  (require('nestjs-conn-pool/dashboard') as typeof dashboard).ConnPoolDashboardModule,
  dashboard.ConnPoolDashboardModule,
);
strictEqual((require('nestjs-conn-pool/otel') as typeof otel).ConnPoolOtelModule, otel.ConnPoolOtelModule);
strictEqual((require('nestjs-conn-pool/net') as typeof net).SocketPool, net.SocketPool);
strictEqual((require('nestjs-conn-pool/tcp') as typeof tcp).TcpPool, tcp.TcpPool);
strictEqual((require('nestjs-conn-pool/testing') as typeof testing).FakeClock, testing.FakeClock);
strictEqual((require('nestjs-conn-pool/thrift') as typeof thrift).thriftConnector, thrift.thriftConnector);
