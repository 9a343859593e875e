import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PreparingClient } from '../../../src/database/prepared.js';
import { Servers, serversOf } from '../../../src/database/servers.js';
import { throwOnce } from '../../support/faults/throw-once.js';

describe('the servers of database.url', () => {
  it('are those of libpq’s form, each with the rest of the URL', () => {
    const url = 'postgresql://me:p%40ss@db1:5433,db2,[2001:db8::1]:5434/ferric?sslmode=require';
    expect(serversOf(url)).toEqual([
      {
        host: 'db1',
        port: 5433,
        name: 'db1:5433',
        url: 'postgresql://me:p%40ss@db1:5433/ferric?sslmode=require',
      },
      { host: 'db2', port: 5432, name: 'db2', url: 'postgresql://me:p%40ss@db2/ferric?sslmode=require' },
      {
        host: '2001:db8::1',
        port: 5434,
        name: '[2001:db8::1]:5434',
        url: 'postgresql://me:p%40ss@[2001:db8::1]:5434/ferric?sslmode=require',
      },
    ]);
  });
  it('are one where there is one', () => {
    for (const url of [
      'postgres://db/ferric',
      'postgresql://u@127.0.0.1:5432/x',
      'postgresql:///x?host=/run',
    ]) {
      expect(serversOf(url).map((server) => server.url)).toEqual([url]);
    }
  });
  it.each([
    ['mysql://me:secret@db/x', 'it does not begin with postgresql://'],
    ['postgresql://me:secret@db1:x,db2/y', '“db1:x” is not host or host:port'],
    ['postgresql://me:secret@db1,,db2/y', '“” is not host or host:port'],
    [
      'postgresql://me:secret@db1,db2/y?target_session_attrs=standby',
      'target_session_attrs is standby, and Ferric writes: it uses the primary',
    ],
  ])('%s is refused without its password', (url, why) => {
    expect(() => serversOf(url)).toThrow(`database.url: ${why}`);
    expect(() => serversOf(url)).not.toThrow(/secret/);
  });
});

it('the primary is not asked for once no connection is left, though the handler of an end throws', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { thrown } = throwOnce('database: connection');
  const list = serversOf('postgresql://db1,db2/ferric');
  const servers = new Servers(list);
  const clients = [new EventEmitter(), new EventEmitter()];
  for (const client of clients) servers.keep(client as PreparingClient, list[0]);
  expect(vi.getTimerCount()).toBe(1);
  for (const client of clients) client.emit('end');
  expect(thrown()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
