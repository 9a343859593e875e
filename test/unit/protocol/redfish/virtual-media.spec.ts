import { describe, expect, it } from 'vitest';
import { readMessages } from '../../../../src/protocol/redfish/error-body.js';
import {
  ejectCall,
  holds,
  insertCall,
  type MediaSlot,
  nextInsert,
  readSlot,
  slotsFor,
} from '../../../../src/protocol/redfish/virtual-media.js';

const URL_ = 'http://192.0.2.1:6180/redfish/9f0c.iso';

function slot(id: string, mediaTypes: string[], more: object = {}): MediaSlot {
  const uri = `/redfish/v1/Managers/1/VirtualMedia/${id}`;
  return readSlot({
    '@odata.id': uri,
    Id: id,
    MediaTypes: mediaTypes,
    Inserted: false,
    Actions: {
      '#VirtualMedia.InsertMedia': { target: `${uri}/Insert` },
      '#VirtualMedia.EjectMedia': { target: `${uri}/Eject` },
    },
    ...more,
  } as never)!;
}

const refused = (MessageId: string, more: object = {}) =>
  readMessages({
    error: { '@Message.ExtendedInfo': [{ MessageId: `Base.1.4.${MessageId}`, Message: MessageId, ...more }] },
  } as never);

describe('readSlot', () => {
  it('is occupied by what is inserted and connected: Supermicro keeps the image', () => {
    const kept = { Inserted: true, Image: URL_, ConnectedVia: 'NotConnected' };
    expect(slot('1', ['CD'], kept)).toMatchObject({ inserted: true, occupied: false });
    expect(slot('1', ['CD'], { ...kept, ConnectedVia: 'URI' }).occupied).toBe(true);
    expect(slot('1', ['CD'], { Inserted: null, Image: null, MediaTypes: null, Actions: null })).toMatchObject(
      {
        occupied: false,
        image: undefined,
        mediaTypes: [],
        insert: undefined,
        eject: undefined,
      },
    );
  });

  it('is none without a path of its own', () => {
    expect(readSlot({ Id: '1' })).toBeUndefined();
  });
});

describe('slotsFor', () => {
  const ids = (...args: Parameters<typeof slotsFor>) => slotsFor(...args).map(({ id }) => id);

  it('puts a CD before a DVD, and the empty before the occupied', () => {
    const all = [
      slot('dvd', ['DVD']),
      slot('full', ['CD'], { Inserted: true, ConnectedVia: 'URI' }),
      slot('stick', ['USBStick']),
      slot('cd', ['CD', 'DVD']),
    ];
    expect(ids('cdrom', all, {})).toEqual(['cd', 'full', 'dvd']);
    expect(ids('disk', all, {})).toEqual(['stick']);
    expect(ids('floppy', all, {})).toEqual([]);
  });

  it('leaves out what takes no URL, and prefers what does (Lenovo)', () => {
    const all = ['RDOC1', 'Remote1', 'Other', 'EXT1'].map((id) => slot(id, ['CD']));
    expect(ids('cdrom', all, { slotsFirst: ['EXT'], slotsWithoutUrl: ['RDOC', 'Remote'] })).toEqual([
      'EXT1',
      'Other',
    ]);
  });

  it('is the only one that works (iDRAC10)', () => {
    expect(ids('cdrom', [slot('2', ['CD']), slot('1', ['CD'])], { onlySlot: '1' })).toEqual(['1']);
  });
});

describe('insertCall', () => {
  it('is the action with what it takes', () => {
    expect(insertCall(slot('1', ['CD']), { url: URL_ }, {})).toEqual({
      how: 'action',
      target: '/redfish/v1/Managers/1/VirtualMedia/1/Insert',
      body: { Image: URL_, Inserted: true, WriteProtected: true },
    });
    expect(insertCall(slot('1', ['CD']), { url: URL_ }, { insertImageOnly: true }).body).toEqual({
      Image: URL_,
    });
    const info = [
      { name: 'Image', required: true, allowable: undefined },
      { name: 'Inserted', required: false, allowable: undefined },
    ];
    expect(insertCall(slot('1', ['CD']), { url: URL_ }, {}, info).body).toEqual({
      Image: URL_,
      Inserted: true,
    });
    expect(insertCall(slot('1', ['CD']), { url: URL_, protocol: 'HTTPS' }, {}).body).toHaveProperty(
      'TransferProtocolType',
      'HTTPS',
    );
  });

  it('is a PATCH of the slot where it has no action (Lenovo)', () => {
    expect(insertCall(slot('EXT1', ['CD'], { Actions: null }), { url: URL_ }, {})).toEqual({
      how: 'patch',
      target: '/redfish/v1/Managers/1/VirtualMedia/EXT1',
      body: { Image: URL_, Inserted: true, WriteProtected: true },
    });
  });
});

describe('nextInsert', () => {
  const first = insertCall(slot('1', ['CD']), { url: URL_ }, {});

  it('says what the service asks for', () => {
    expect(
      nextInsert(
        first,
        refused('ActionParameterMissing', {
          MessageArgs: ['InsertMedia', 'TransferProtocolType'],
          RelatedProperties: ['#/TransferProtocolType'],
        }),
      )?.body,
    ).toHaveProperty('TransferProtocolType', 'HTTP');
    expect(
      nextInsert(first, refused('PropertyMissing', { Message: 'The property TransferMethod is required.' }))
        ?.body,
    ).toHaveProperty('TransferMethod', 'Stream');
    expect(
      nextInsert(first, refused('ActionParameterMissing', { Message: 'UserName and Password are missing' }))
        ?.body,
    ).toMatchObject({
      UserName: 'none',
      Password: 'none',
    });
  });

  it('leaves out what the service does not know, and comes to an end', () => {
    const next = nextInsert(first, refused('ActionParameterNotSupported'))!;
    expect(next.body).toEqual({ Image: URL_ });
    expect(nextInsert(next, refused('ActionParameterNotSupported'))).toBeUndefined();
    expect(nextInsert(first, refused('ResourceInUse'))).toBeUndefined();
    const patch = insertCall(slot('EXT1', ['CD'], { Actions: null }), { url: URL_ }, {});
    const without = nextInsert(patch, refused('PropertyNotWritable'))!;
    expect(without.body).toEqual({ Image: URL_, Inserted: true });
    expect(nextInsert(without, refused('PropertyNotWritable'))).toBeUndefined();
  });
});

describe('ejectCall', () => {
  it('is the action with an empty object, the slot itself, or nothing', () => {
    expect(ejectCall(slot('1', ['CD']))).toMatchObject({ how: 'action', body: {} });
    expect(ejectCall(slot('EXT1', ['CD'], { Actions: null }))).toEqual({
      how: 'patch',
      target: '/redfish/v1/Managers/1/VirtualMedia/EXT1',
      body: { Image: null, Inserted: false },
    });
    // Supermicro shows no EjectMedia while a slot is empty.
    const empty = { Actions: { '#VirtualMedia.InsertMedia': { target: '/x' } } };
    expect(ejectCall(slot('1', ['CD'], empty))).toBeUndefined();
  });
});

describe('holds', () => {
  it.each([
    [{ Inserted: true, Image: URL_ }, undefined, 'ours'],
    [{ Inserted: true, Image: `//192.0.2.1/share/9f0c.iso` }, undefined, 'ours'],
    [{ Inserted: true, Image: null }, '9f0c.iso', 'ours'],
    [{ Inserted: true, Image: 'http://192.0.2.1/another.iso' }, undefined, 'another'],
    [{ Inserted: false, Image: URL_ }, undefined, 'nothing'],
    [{ Inserted: false, Image: null }, undefined, 'nothing'],
    [{ Inserted: true, Image: null }, undefined, 'unknown'],
  ])('%j with the name %s is %s', (said, name, found) => {
    expect(holds(slot('1', ['CD'], said), URL_, name)).toBe(found);
  });
});
