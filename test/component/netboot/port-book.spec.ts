import { afterAll, beforeAll, expect, it } from 'vitest';
import { PAGE } from '../../../src/database/read-pages.js';
import { portBook } from '../../../src/netboot/dhcp/port-book.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database?.stop());

it('DHCP knows every MAC address of the inventory, also beyond one page of the database', async () => {
  const { source } = database;
  const book = portBook(new PortRepository(source));
  expect(await book.addresses()).toEqual([]);
  const node = '6f3f9a5e-0a0f-4d0b-9d7e-3a1f6c0f4b11';
  await source.query(
    `insert into node (uuid, driver, provision_state) values ($1, 'fake-hardware', 'enroll')`,
    [node],
  );
  await source.query(
    `insert into port (uuid, node_uuid, address)
     select gen_random_uuid(), $1, '52:54:' || rtrim(regexp_replace(lpad(to_hex(n), 8, '0'), '(..)', '\\1:', 'g'), ':')
       from generate_series(1, $2::int) n`,
    [node, 2 * PAGE + 1],
  );
  const addresses = await book.addresses();
  expect(new Set(addresses).size).toBe(2 * PAGE + 1);
  expect(addresses).toContain('52:54:00:00:07:d1');
  expect(await book.byMac('52:54:00:00:07:d1')).toMatchObject({ node_uuid: node });
});
