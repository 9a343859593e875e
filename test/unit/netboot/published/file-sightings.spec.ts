import { expect, it } from 'vitest';
import type { Sighting } from '../../../../src/domain/network/sighting.js';
import { fileSightings } from '../../../../src/netboot/published/file-sightings.js';
import type { Published } from '../../../../src/netboot/published/manifest.js';
import { unguessable } from '../../../../src/persistence/published-file/publication.js';
import { collectedLog } from '../../../support/log.js';

const NODE = '7daa1a92-c3d7-4add-aaed-66fcbba58912';
const file = (node: string | null): Published => ({
  node,
  kind: 'file',
  path: '/srv/x',
  roots: null,
  readers: null,
});

function bed(machineAt: (source: string) => Promise<string | null>) {
  const noted: Sighting[] = [];
  const log = collectedLog();
  const onFetched = fileSightings({ note: (one) => void noted.push(one) }, { machineAt }, log);
  const fetched = (name: string, node: string | null) =>
    onFetched({ service: 'http', name, published: file(node), client: '192.0.2.7', bytes: 5 });
  return { noted, log, fetched };
}

it('the token that makes a name unguessable is not recorded: who reads sightings may not fetch the file', async () => {
  const { noted, fetched } = bed(async () => null);
  await fetched(`${NODE}/${unguessable()}/deploy_kernel`, NODE);
  await fetched(`media/${unguessable()}.iso`, NODE);
  expect(noted).toMatchObject([
    { node_uuid: NODE, kind: 'http', name: `${NODE}/******/deploy_kernel`, source: '192.0.2.7', bytes: 5 },
    { name: 'media/******.iso' },
  ]);
});

it('a file of all machines is told of the machine that has the address by its lease, or of none', async () => {
  const { noted, fetched } = bed(async (source) => (source === '192.0.2.7' ? NODE : null));
  await fetched('snponly.efi', null);
  expect(noted).toMatchObject([{ node_uuid: NODE, name: 'snponly.efi' }]);
  const without = bed(async () => null);
  await without.fetched('snponly.efi', null);
  expect(without.noted).toEqual([]);
});

it('a lease that cannot be read is logged, and the transfer is not harmed', async () => {
  const { noted, log, fetched } = bed(() => Promise.reject(new Error('the database is away')));
  await fetched('snponly.efi', null);
  expect(noted).toEqual([]);
  expect(log.text()).toContain('it is not known which machine fetched one of all machines');
});
