import { describe, expect, it } from 'vitest';
import { readServiceRoot } from '../../../../src/protocol/redfish/service-root.js';

const link = (path: string) => ({ '@odata.id': path });

describe('readServiceRoot', () => {
  it('reads what a service offers', () => {
    const root = readServiceRoot({
      Vendor: 'Dell',
      Product: 'Integrated Dell Remote Access Controller',
      RedfishVersion: '1.13.1',
      Systems: link('/redfish/v1/Systems'),
      Chassis: link('/redfish/v1/Chassis'),
      Managers: link('/redfish/v1/Managers'),
      SessionService: link('/redfish/v1/SessionService'),
      Links: { Sessions: link('/redfish/v1/SessionService/Sessions') },
      Oem: { Dell: {}, '@odata.type': 'x' },
      ProtocolFeaturesSupported: { ExpandQuery: { NoLinks: true, MaxLevels: 1 } },
    });
    expect(root).toMatchObject({
      systems: '/redfish/v1/Systems',
      sessions: '/redfish/v1/SessionService/Sessions',
      vendor: 'Dell',
      oem: ['Dell'],
      expands: true,
      updateService: undefined,
    });
  });

  it('does without every property, and with null in each', () => {
    const names = ['Systems', 'Links', 'Vendor', 'Product', 'Oem', 'ProtocolFeaturesSupported', 'Tasks'];
    const nulls = readServiceRoot(Object.fromEntries(names.map((name) => [name, null])));
    expect(nulls).toEqual(readServiceRoot({}));
    expect(nulls).toMatchObject({ systems: undefined, sessions: undefined, oem: [], expands: false });
  });

  it('expands only what is expanded without links, on a level at least', () => {
    const of = (ExpandQuery: object) =>
      readServiceRoot({ ProtocolFeaturesSupported: { ExpandQuery } as never });
    expect(of({ NoLinks: true, MaxLevels: 0 }).expands).toBe(false);
    expect(of({ NoLinks: false, MaxLevels: 1 }).expands).toBe(false);
    expect(of({ NoLinks: true }).expands).toBe(true);
  });
});
