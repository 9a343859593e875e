import { describe, expect, it } from 'vitest';
import {
  isWaiting,
  mayBeOfUpdate,
  readUpdateService,
  simpleUpdateBody,
  updateFrame,
} from '../../../../src/protocol/redfish/update.js';

describe('an update service', () => {
  it('shows its ways, in the shapes of captured trees', () => {
    const idrac = readUpdateService({
      Actions: {
        '#UpdateService.SimpleUpdate': {
          'TransferProtocol@Redfish.AllowableValues': ['HTTP', 'NFS'],
          target: '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate',
        },
      },
      FirmwareInventory: { '@odata.id': '/redfish/v1/UpdateService/FirmwareInventory' },
      MaxImageSizeBytes: null,
      MultipartHttpPushUri: '/redfish/v1/UpdateService/MultipartUpload',
      ServiceEnabled: true,
    });
    expect(idrac).toMatchObject({
      simpleUpdate: { target: '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate' },
      multipart: '/redfish/v1/UpdateService/MultipartUpload',
      inventory: '/redfish/v1/UpdateService/FirmwareInventory',
      ready: true,
      mostBytes: undefined,
    });
    const xcc = { MultipartHttpPushUri: '/mfwupdate', MaxImageSizeBytes: 250_000_000 };
    expect(readUpdateService({ ...xcc, HttpPushUriTargetsBusy: true })).toMatchObject({
      simpleUpdate: undefined,
      multipart: '/mfwupdate',
      ready: false,
      mostBytes: 250_000_000,
    });
    expect(readUpdateService({ ServiceEnabled: false }).ready).toBe(false);
    expect(readUpdateService({ ServiceEnabled: null, HttpPushUriTargetsBusy: null }).ready).toBe(true);
  });

  it('does not send an image to another host', () => {
    expect(readUpdateService({ MultipartHttpPushUri: 'https://192.0.2.1/x' }).multipart).toBeUndefined();
  });

  it.each([
    ['http://192.0.2.1/x/bios.bin', undefined, 'HTTP'],
    ['https://192.0.2.1/x/bios.bin', ['HTTP', 'HTTPS'], 'HTTPS'],
    ['http://192.0.2.1/x/bios.bin', ['HTTPS', 'NFS'], undefined],
  ])('is told the protocol of %s, with %j allowed', (url, allowed, protocol) => {
    expect(simpleUpdateBody(url, [], allowed)).toEqual(
      protocol === undefined ? undefined : { ImageURI: url, TransferProtocol: protocol },
    );
  });

  it('is told targets only where there are some', () => {
    const body = simpleUpdateBody('http://192.0.2.1/b', ['/redfish/v1/Systems/1'], undefined);
    expect(body).toMatchObject({ Targets: ['/redfish/v1/Systems/1'] });
  });

  it('is sent an image as RFC 7578 has it', () => {
    const { type, head, tail } = updateFrame('b0', 'a "b"\r\n.bin', ['/x']);
    expect(type).toBe('multipart/form-data; boundary=b0');
    expect(new TextDecoder().decode(head)).toBe(
      '--b0\r\nContent-Disposition: form-data; name="UpdateParameters"\r\nContent-Type: application/json\r\n\r\n' +
        '{"Targets":["/x"]}\r\n' +
        '--b0\r\nContent-Disposition: form-data; name="UpdateFile"; filename="a__b___.bin"\r\n' +
        'Content-Type: application/octet-stream\r\n\r\n',
    );
    expect(new TextDecoder().decode(tail)).toBe('\r\n--b0--\r\n');
  });
});

describe('a task of an update', () => {
  it.each(['Starting', 'Pending', 'New', 'Suspended', 'Scheduled'])('waits in state %s', (state) => {
    expect(isWaiting(state)).toBe(true);
  });
  it.each(['Running', 'Completed', 'Exception', '', 'Stopping'])('does not wait in state %j', (state) => {
    expect(isWaiting(state)).toBe(false);
  });
  it('is told by the request that began it, where the service shows that', () => {
    const target = '/redfish/v1/UpdateService/upload';
    expect(mayBeOfUpdate({ Payload: { TargetUri: target } }, target)).toBe(true);
    expect(mayBeOfUpdate({ Payload: { TargetUri: '/redfish/v1/Systems/1/Bios/Settings' } }, target)).toBe(
      false,
    );
    expect(mayBeOfUpdate({}, target)).toBe(true);
  });
});
