import { strictEqual } from 'node:assert';
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
async function assertOneCopy(): Promise<void> {
  strictEqual(core.ConnPool, root.ConnPool);
  strictEqual((await import('nestjs-conn-pool')).ConnPool, root.ConnPool);
  strictEqual((await import('nestjs-conn-pool/core')).ConnPool, root.ConnPool);
  strictEqual((await import('nestjs-conn-pool')).PoolRegistry, root.PoolRegistry);
  strictEqual(
    (await import('nestjs-conn-pool/terminus')).ConnPoolHealthIndicator,
    terminus.ConnPoolHealthIndicator,
  );
  strictEqual(
    (await import('nestjs-conn-pool/prometheus')).ConnPoolPrometheusModule,
    prometheus.ConnPoolPrometheusModule,
  );
  strictEqual(
    (await import('nestjs-conn-pool/dashboard')).ConnPoolDashboardModule,
    dashboard.ConnPoolDashboardModule,
  );
  strictEqual((await import('nestjs-conn-pool/otel')).ConnPoolOtelModule, otel.ConnPoolOtelModule);
  strictEqual((await import('nestjs-conn-pool/net')).SocketPool, net.SocketPool);
  strictEqual((await import('nestjs-conn-pool/tcp')).TcpPool, tcp.TcpPool);
  strictEqual((await import('nestjs-conn-pool/testing')).FakeClock, testing.FakeClock);
  strictEqual((await import('nestjs-conn-pool/thrift')).thriftConnector, thrift.thriftConnector);
}

void assertOneCopy();
