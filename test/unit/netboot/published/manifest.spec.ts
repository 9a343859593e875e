import { describe, expect, it } from 'vitest';
import {
  bootPlanFiles,
  bootScript,
  configuredFiles,
  Manifest,
} from '../../../../src/netboot/published/manifest.js';

const NODE = '11111111-2222-3333-4444-555555555555';
const asked: string[] = [];
const plans = {
  file: async (service: 'tftp' | 'http', name: string) => {
    asked.push(name);
    return name === 'node/kernel' ? { service, name, path: '/srv/kernel', node_uuid: NODE } : null;
  },
};
const holder = (node_uuid: string | null) => ({
  activeAt: async () => (node_uuid === null ? null : ({ node_uuid } as never)),
});
const routes = [
  bootScript,
  bootPlanFiles(plans),
  configuredFiles({ 'undionly.kpxe': '/usr/lib/ipxe/undionly.kpxe' }),
];
const manifest = new Manifest(routes, holder(null));

describe('the manifest', () => {
  it('knows the boot scripts, boot loaders and plans, by their whole names', async () => {
    expect(await manifest.find('http', 'boot.ipxe', '10.0.0.1')).toMatchObject({ kind: 'text' });
    expect(await manifest.find('tftp', 'grub/grub.cfg', '10.0.0.1')).toMatchObject({
      text: expect.stringContaining('$net_default_mac.conf') as string,
      node_uuid: null,
    });
    expect(await manifest.find('tftp', 'undionly.kpxe', '10.0.0.1')).toMatchObject({
      links: true,
      node_uuid: null,
    });
    expect(await manifest.find('http', 'node/kernel', '10.0.0.1')).toEqual({
      kind: 'file',
      path: '/srv/kernel',
      links: false,
      node_uuid: NODE,
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

  it("keeps a node's files from an address that is leased to another node", async () => {
    const other = new Manifest(routes, holder('99999999-2222-3333-4444-555555555555'));
    expect(await other.find('http', 'node/kernel', '10.0.0.1')).toBeNull();
    expect(await other.find('http', 'boot.ipxe', '10.0.0.1')).not.toBeNull();
    expect(await new Manifest(routes, holder(NODE)).find('http', 'node/kernel', '10.0.0.1')).not.toBeNull();
  });
});
