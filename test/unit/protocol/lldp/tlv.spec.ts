import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chassisMac, portIdText, readTlvs, tlvBytes } from '../../../../src/protocol/lldp/tlv.js';

/** Values of a switch, and what Ironic makes of them (tests of its hook parse-lldp). */
const SWITCH = [
  [1, '04112233aabbcc'],
  [2, '07373334'],
  [3, '003c'],
  [4, '686f737430322e6c61622e656e6720706f7274203320' + '28426f6e6429'],
  [5, '737730312d646973742d31622d623132'],
  [7, '00140014'],
  [8, '0501c000020f020000000000'],
  [8, '110220010db885a3000000008a2e03707334020000000000'],
  [8, '0706aa11bb22cc3302000003e900'],
  [127, '00120f01036c110010'],
  [127, '00120f030300000002'],
  [127, '00120f0405ea'],
  [127, '0080c2010066'],
  [127, '0080c20206000a'],
  [127, '0080c202060014'],
  [127, '0080c204080026424203000000'],
  [127, '0080c203006507766c616e313031'],
  [127, '0080c203006607766c616e313032'],
  [127, '0080c2060058'],
  [0, ''],
];

describe('readTlvs', () => {
  it('names what a switch says as Ironic does', () => {
    expect(readTlvs(SWITCH)).toEqual({
      switch_chassis_id: '11:22:33:aa:bb:cc',
      switch_port_id: '734',
      switch_port_description: 'host02.lab.eng port 3 (Bond)',
      switch_system_name: 'sw01-dist-1b-b12',
      switch_capabilities_support: ['Bridge', 'Router'],
      switch_capabilities_enabled: ['Bridge', 'Router'],
      switch_mgmt_addresses: ['192.0.2.15', '2001:db8:85a3::8a2e:370:7334', 'aa:11:bb:22:cc:33'],
      switch_port_autonegotiation_enabled: true,
      switch_port_autonegotiation_support: true,
      switch_port_physical_capabilities: [
        '1000BASE-T fdx',
        '100BASE-TX fdx',
        '100BASE-TX hdx',
        '10BASE-T fdx',
        '10BASE-T hdx',
        'Asym and Sym PAUSE fdx',
      ],
      switch_port_mau_type: '100BASE-TX full duplex',
      switch_port_link_aggregation_enabled: true,
      switch_port_link_aggregation_support: true,
      switch_port_link_aggregation_id: 2,
      switch_port_mtu: 1514,
      switch_port_untagged_vlan_id: 102,
      switch_port_protocol_vlan_enabled: true,
      switch_port_protocol_vlan_support: true,
      switch_port_protocol_vlan_ids: [10, 20],
      switch_protocol_identities: ['0026424203000000'],
      switch_port_vlans: [
        { name: 'vlan101', id: 101 },
        { name: 'vlan102', id: 102 },
      ],
      switch_port_management_vlan_id: 88,
    });
  });
  it.each<[string, unknown, object]>([
    ['an address as chassis', [[1, '0501c000020f']], { switch_chassis_id: '192.0.2.15' }],
    ['a name as chassis', [[1, '0773773031']], { switch_chassis_id: 'sw01' }],
    [
      'the first of two',
      [
        [2, '07373334'],
        [2, '07373435'],
      ],
      { switch_port_id: '734' },
    ],
    [
      'types that nobody knows',
      [
        [10, '04112233aabbcc'],
        [128, '00120f080300010000'],
      ],
      {},
    ],
    [
      'organisations that nobody knows',
      [
        [127, '00906901425030323134323530393236'],
        [127, '23ac'],
      ],
      {},
    ],
    ['what is no list', { 1: 'x' }, {}],
    ['what is no hexadecimal', [[1, 'zz'], [2, 7], 5, null, [2]], {}],
    ['600 octets', [[4, '41'.repeat(600)]], {}],
    [
      'bad UTF-8 and NUL',
      [
        [5, 'ff'],
        [4, '4100'],
      ],
      {},
    ],
    [
      'a cut value',
      [
        [7, '00'],
        [127, '00120f01'],
        [127, '0080c2'],
        [1, ''],
      ],
      {},
    ],
  ])('of %s', (_, tlvs, values) => expect(readTlvs(tlvs)).toEqual(values));
  it('never fails, whatever a machine sends', () => {
    const hex = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const type = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 127, 128);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.tuple(type, hex), fc.anything())), (tlvs) => {
        expect(() => JSON.stringify(readTlvs(tlvs))).not.toThrow();
      }),
    );
  });
});

describe('identities of a link', () => {
  it('are a MAC address and a port’s name', () => {
    expect(chassisMac(tlvBytes('04885a92ec5459')!)).toBe('88:5a:92:ec:54:59');
    expect(chassisMac(tlvBytes('0773773031')!)).toBeNull();
    expect(portIdText(tlvBytes('0545746865726e6574312f3138')!)).toBe('Ethernet1/18');
    expect(portIdText(tlvBytes('03885a92ec5459')!)).toBe('88:5a:92:ec:54:59');
  });
});
