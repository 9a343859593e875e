import { describe, expect, test } from 'vitest';
import { direct } from '../../../image-build/direct/direct.js';
import { chooseBackend } from '../../../image-build/user/build-user.js';
import type { UserImageRequest } from '../../../image-build/user/request.js';
import { UnsupportedError } from '../../../src/domain/errors.js';

const request = (changes: Partial<UserImageRequest> = {}): UserImageRequest => ({
  kind: 'whole-disk',
  distro: 'debian',
  efi: false,
  elements: [],
  packages: [],
  output: 'x',
  kernel: 'generic',
  access: { sshKeys: [] },
  scripts: [],
  ...changes,
});

describe('direct', () => {
  test.each([
    [{ distro: 'fedora' }, 'it builds Debian only, not fedora'],
    [{ elements: ['dhcp-all-interfaces', 'nosuch', 'yum'] }, 'it has no element nosuch, yum'],
    [{ kind: 'partition' as const, elements: ['vm'] }, 'the element vm makes whole disks'],
    [{ elements: ['baremetal'] }, 'the element baremetal makes partitions'],
  ])('says why it can’t build %j', (changes, said) => {
    expect(direct.objection(request(changes))).toContain(said);
  });

  test('builds what the documentation builds', () => {
    const partition = { kind: 'partition' as const, elements: ['baremetal', 'dhcp-all-interfaces', 'grub2'] };
    expect(direct.objection(request(partition))).toBeUndefined();
    expect(
      direct.objection(request({ elements: ['vm', 'block-device-efi', 'dhcp-all-interfaces'] })),
    ).toBeUndefined();
  });
});

test('an image that is there is changed by the quicker of the two that can', () => {
  const { backend, reason } = chooseBackend(request({ base: 'package.json' }));
  expect(backend.name).toBe('loop');
  expect(reason).toContain('direct: it makes systems of packages, and changes none');
  expect(() => chooseBackend(request(), 'guestfs')).toThrow(
    'it changes an image that is there: name it with --base',
  );
});

test('a mirror is not left unused', () => {
  const mirror = 'http://mirror.example';
  expect(() => chooseBackend(request({ distro: 'fedora', mirror }), 'dib')).toThrow(
    'a mirror of packages is for debian, debian-minimal, ubuntu-minimal, not for fedora',
  );
});

test('a backend that was asked for is not replaced by another', () => {
  expect(() => chooseBackend(request({ distro: 'fedora' }), 'direct')).toThrow(UnsupportedError);
  expect(() => chooseBackend(request({ distro: 'fedora' }), 'direct')).toThrow(
    /^no backend can build this: direct: it builds Debian only/,
  );
});
