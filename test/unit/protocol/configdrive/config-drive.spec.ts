import { describe, expect, it } from 'vitest';
import { buildConfigDrive, configDriveFiles } from '../../../../src/protocol/configdrive/config-drive.js';

const node = { uuid: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123', name: 'node-1' };
const read = (content: object, of = node as { uuid: string; name?: string | null }) =>
  Object.fromEntries(
    [...configDriveFiles(content, of)].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]),
  );

describe('configDriveFiles', () => {
  it('has the same files for both versions', () => {
    const files = read({
      meta_data: { hostname: 'h' },
      network_data: { links: [] },
      vendor_data: { v: 1 },
      user_data: '#!/bin/sh\n',
    });
    expect(Object.keys(files)).toEqual(
      ['2012-08-10', 'latest'].flatMap((version) =>
        ['meta_data.json', 'network_data.json', 'vendor_data2.json', 'user_data'].map(
          (name) => `openstack/${version}/${name}`,
        ),
      ),
    );
    expect(files['openstack/latest/user_data']).toBe('#!/bin/sh\n');
    expect(JSON.parse(files['openstack/latest/vendor_data2.json']!)).toEqual({ v: 1 });
  });

  it('fills in uuid and name, which the client may override', () => {
    const meta = (content: object, of?: typeof node) =>
      JSON.parse(read(content, of)['openstack/latest/meta_data.json']!);
    expect(meta({})).toEqual({ uuid: node.uuid, name: 'node-1' });
    expect(meta({ meta_data: { uuid: 'x', name: 'y' } })).toEqual({ uuid: 'x', name: 'y' });
    expect(meta({}, { uuid: 'u', name: null as never })).toEqual({ uuid: 'u' });
  });

  it('writes user data that is no text as JSON, and nothing for what is empty', () => {
    expect(read({ user_data: { ignition: {} } })['openstack/latest/user_data']).toBe('{"ignition":{}}');
    expect(Object.keys(read({ user_data: '', network_data: {}, vendor_data: {} }))).toHaveLength(2);
  });
});

describe('buildConfigDrive', () => {
  it('is a volume labelled config-2', () => {
    const image = buildConfigDrive({}, node, 0);
    expect(new TextDecoder().decode(image.subarray(0x8028, 0x8030))).toBe('config-2');
  });
});
