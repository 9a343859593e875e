import { describe, expect, it } from 'vitest';
import {
  bootScript,
  configuredFiles,
  Manifest,
  publishedFiles,
} from '../../../../src/netboot/published/manifest.js';
import type { PublishedEntry } from '../../../../src/persistence/published-file/published-file.repository.js';

const NODE = '11111111-2222-3333-4444-555555555555';
const asked: string[] = [];
const BMC = '10.9.0.7';
const published = {
  find: async (service: 'tftp' | 'http', name: string): Promise<PublishedEntry | null> => {
    asked.push(name);
    const shared = { service, name, node_uuid: NODE, created_at: new Date(0), for_addresses: [] };
    if (name === 'node/kernel') return { ...shared, for_machine: true, kind: 'file', path: '/srv/kernel' };
    const media = { kind: 'generated' as const, segments: [{ zeros: 2048 }], size: 2048 };
    return name === 'media/boot.iso'
      ? { ...shared, ...media, for_machine: false, for_addresses: [BMC] }
      : null;
  },
};
const rule = (speaker: string | null) => ({
  admits: async () => speaker !== null,
  speaksFor: async (node_uuid: string) => node_uuid === speaker,
});
const routes = [
  bootScript,
  publishedFiles(published, ['/srv']),
  configuredFiles({ 'undionly.kpxe': '/usr/lib/ipxe/undionly.kpxe' }),
];
const manifest = new Manifest(routes, rule(NODE));

describe('the manifest', () => {
  it('knows the boot scripts, boot loaders and plans, by their whole names', async () => {
    expect(await manifest.find('http', 'boot.ipxe', '10.0.0.1')).toMatchObject({ kind: 'text' });
    expect(await manifest.find('tftp', 'grub/grub.cfg', '10.0.0.1')).toMatchObject({
      text: expect.stringContaining('$net_default_mac.conf') as string,
      readers: null,
    });
    expect(await manifest.find('http', 'grub/grub.cfg', '10.0.0.1')).toMatchObject({
      text: 'set timeout=0\nsource ($root)/$net_default_mac.conf\n',
    });
    expect(await manifest.find('tftp', 'undionly.kpxe', '10.0.0.1')).toMatchObject({
      roots: null,
      readers: null,
    });
    expect(await manifest.find('http', 'node/kernel', '10.0.0.1')).toEqual({
      node: NODE,
      kind: 'file',
      path: '/srv/kernel',
      roots: ['/srv'],
      readers: { machine: NODE, addresses: [] },
    });
  });

  it.each(['', 'constructor', '__proto__', 'undionly.kpxe/', 'UNDIONLY.KPXE', 'usr/lib/ipxe/undionly.kpxe'])(
    'knows nothing else: %j',
    async (name) => {
      expect(await manifest.find('http', name, '10.0.0.1')).toBeNull();
    },
  );

  it('does not ask the database for what can be no name', async () => {
    asked.length = 0;
    for (const name of ['a b', 'a\0b', 'ä', 'a'.repeat(256)]) await manifest.find('tftp', name, '10.0.0.1');
    expect(asked).toEqual([]);
  });

  it("gives a node's files to its own machine, what is nobody's to every machine, and nothing to a stranger", async () => {
    const names = ['node/kernel', 'boot.ipxe', 'undionly.kpxe'];
    const found = async (speaker: string | null) => {
      const all = names.map((name) => new Manifest(routes, rule(speaker)).find('http', name, '10.0.0.1'));
      return (await Promise.all(all)).map((one) => one !== null);
    };
    expect(await found(NODE)).toEqual([true, true, true]);
    expect(await found('99999999-2222-3333-4444-555555555555')).toEqual([false, true, true]);
    expect(await found(null)).toEqual([false, false, false]);
  });

  it('gives what is published for an address to that one alone: not to the machine, nor to any other', async () => {
    const content = { kind: 'generated', size: 2048, modified: 0 };
    for (const client of [BMC, `::ffff:${BMC}`]) {
      expect(await manifest.find('http', 'media/boot.iso', client)).toMatchObject(content);
    }
    for (const client of ['10.9.0.8', '10.9.0.70', '::1', '']) {
      expect(await manifest.find('http', 'media/boot.iso', client)).toBeNull();
    }
  });
});
