// The pools of the README's table behind one face. Their limits are short where they have any, so that nothing takes long.
import * as genericPool from 'generic-pool';
import { Pool as LightningPool } from 'lightning-pool';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';

const ACQUIRE = 2000;
const CALL = 100;

/**
 * How resources are made, ended and checked, and how many there may be.
 *
 * @typedef {{ create: () => Promise<object>, destroy?: (resource: object) => Promise<unknown>,
 *   validate?: () => Promise<boolean>, max?: number, min?: number }} Resources
 *
 * What is borrowed is the resource; only here, where every borrower gets a lease, it is the lease.
 *
 * @typedef {{ start?(): unknown, acquire(): Promise<object>, release(borrowed: object): unknown,
 *   discard(borrowed: object): unknown, close(): Promise<unknown> }} Pool
 */

const nothing = async () => undefined;

/** @param {Resources} resources @returns {Promise<Pool>} */
async function thisOne({ create, destroy = nothing, validate, max = 1, min = 0 }) {
  const { ConnPool } = await import(process.env.THIS_POOL ?? 'nestjs-conn-pool/core');
  const heartbeat = async () => {
    if (!(await validate?.())) throw new Error('not valid');
  };
  const pool = new ConnPool(
    { dial: create, close: destroy, ...(validate && { heartbeat }) },
    {
      ...{ max, min, acquireTimeout: ACQUIRE, drain: CALL },
      ...{ dialTimeout: CALL, heartbeatTimeout: CALL, closeTimeout: CALL },
    },
  );
  return {
    start: () => pool.start(),
    acquire: () => pool.acquire(),
    release: (lease) => lease.release(),
    discard: (lease) => lease.discard(),
    close: () => pool.close(),
  };
}

/** @param {Resources} resources @returns {Pool} */
function genericOne({ create, destroy = nothing, validate, max = 1, min = 0 }) {
  const pool = genericPool.createPool(
    { create, destroy, ...(validate && { validate }) },
    { max, min, acquireTimeoutMillis: ACQUIRE, destroyTimeoutMillis: CALL, testOnBorrow: Boolean(validate) },
  );
  return {
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
    discard: (resource) => pool.destroy(resource),
    close: async () => {
      await pool.drain();
      await pool.clear();
    },
  };
}

/** @param {Resources} resources @returns {Pool} */
function tarnOne({ create, destroy = nothing, validate = async () => true, max = 1, min = 0 }) {
  const spent = new Set();
  const pool = new TarnPool({
    ...{ create, destroy, max, min },
    validate: (resource) => !spent.has(resource) && validate(),
    ...{ acquireTimeoutMillis: ACQUIRE, createTimeoutMillis: CALL, destroyTimeoutMillis: CALL },
  });
  return {
    acquire: () => pool.acquire().promise,
    release: (resource) => pool.release(resource),
    // It has no call for that; the nearest is a check that fails at the next hand-out.
    discard: (resource) => {
      spent.add(resource);
      return pool.release(resource);
    },
    close: () => pool.destroy(),
  };
}

/** @param {Resources} resources @returns {Pool} */
function lightningOne({ create, destroy = nothing, validate, max = 1, min = 0 }) {
  const pool = new LightningPool(
    { create, destroy, ...(validate && { validate }) },
    { max, min, acquireTimeoutMillis: ACQUIRE, validation: Boolean(validate) },
  );
  return {
    start: () => pool.start(),
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
    discard: (resource) => pool.destroy(resource),
    close: () => pool.closeAsync(),
  };
}

/** @param {Resources} resources @returns {Pool} */
function sequelizeOne({ create, destroy = nothing, max = 1, min = 0 }) {
  const pool = new SequelizePool({
    ...{ create, destroy, max, min, acquireTimeoutMillis: ACQUIRE },
    // Must be synchronous.
    validate: () => true,
  });
  return {
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource),
    discard: (resource) => pool.destroy(resource),
    close: async () => {
      await pool.drain();
      await pool.destroyAllNow();
    },
  };
}

export const POOLS = {
  this: thisOne,
  'generic-pool': genericOne,
  tarn: tarnOne,
  'lightning-pool': lightningOne,
  'sequelize-pool': sequelizeOne,
};
