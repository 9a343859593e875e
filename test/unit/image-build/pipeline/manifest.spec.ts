import { describe, expect, it } from 'vitest';
import { buildCommand, readManifest, shellWords } from '../../../../image-build/pipeline/manifest.js';

const read = (...texts: string[]) => readManifest(texts.map((text, index) => ({ file: `m${index}`, text })));

const OVERCLOUD = `
disk_images:
  - imagename: overcloud-full
    arch: amd64
    type: qcow2
    distro: centos7
    elements:
      - hosts baremetal   grub2
    packages: [python-psutil, sos]
    options: ["--min-tmpfs=5"]
    environment: {FS_TYPE: xfs, DIB_X: 1, EMPTY: ''}
`;

describe('readManifest', () => {
  it('takes elements apart that are one long text', () => {
    const { images, faults } = read(OVERCLOUD);
    expect(faults).toEqual([]);
    expect(images[0]).toMatchObject({
      elements: ['hosts', 'baremetal', 'grub2'],
      environment: { FS_TYPE: 'xfs', DIB_X: '1', EMPTY: '' },
      imageext: 'qcow2',
    });
  });

  it('merges by imagename: lists append, the environment updates, other keys only if they are new', () => {
    const { images, faults } = read(
      OVERCLOUD,
      `
disk_images:
  - imagename: overcloud-full
    distro: rhel7
    elements: [extra]
    packages: [vim]
    environment: {FS_TYPE: ext4, MORE: x}
    imageext: img
  - imagename: ironic-python-agent
    distro: centos7
    elements: [ironic-agent]
`,
    );
    expect(faults).toEqual([]);
    expect(images.map(({ imagename }) => imagename)).toEqual(['overcloud-full', 'ironic-python-agent']);
    expect(images[0]).toMatchObject({
      distro: 'centos7',
      imageext: 'img',
      elements: ['hosts', 'baremetal', 'grub2', 'extra'],
      packages: ['python-psutil', 'sos', 'vim'],
      environment: { FS_TYPE: 'ext4', DIB_X: '1', EMPTY: '', MORE: 'x' },
    });
  });

  it('says all faults together', () => {
    const { faults } = read(
      `
disk_images:
  - imagename: a/b
  - imagename: c
    elments: [x]
    builder: kiwi
    type: exe
    options: ["--x 'y"]
  - nothing
`,
      'disk_images: {}',
    );
    expect(faults).toEqual([
      'm0: disk_images[2] must be a mapping',
      'm0: disk_images[0].imagename: must be the name of a file, without a directory',
      'm0: disk_images[1].elments: no such key; the nearest is elements',
      'm1: disk_images must be a list of images',
      'c.distro: is required',
      'c.type: disk-image-create makes qcow2, tar, tgz, squashfs, vhd, docker, aci, raw, not exe',
      'c.builder: dib is the only one that there is',
      "c.options: a quotation mark is not closed: --x 'y",
    ]);
  });
});

describe('buildCommand', () => {
  it('is what tripleo-common runs', () => {
    const { images } = read(`${OVERCLOUD}    skip_base: true\n`);
    expect(buildCommand(images[0]!, '/out')).toEqual({
      file: 'disk-image-create',
      args: [
        ...[
          '-a',
          'amd64',
          '-o',
          '/out/overcloud-full',
          '-t',
          'qcow2',
          '-p',
          'python-psutil,sos',
          '--min-tmpfs=5',
          '-n',
        ],
        ...['centos7', 'hosts', 'baremetal', 'grub2'],
      ],
    });
  });

  it('leaves out what is not set', () => {
    const { images } = read('disk_images: [{imagename: i, distro: debian-minimal}]');
    expect(buildCommand(images[0]!, '/o').args).toEqual([
      '-a',
      'amd64',
      '-o',
      '/o/i',
      '-t',
      'qcow2',
      'debian-minimal',
    ]);
  });
});

// Checked against Python 3.11: [shlex.split(x) for x in ...].
describe('shellWords', () => {
  it.each([
    ['--a  b', ['--a', 'b']],
    ['--a "b c"d', ['--a', 'b cd']],
    [`'x\\y' "p\\"q\\n"`, ['x\\y', 'p"q\\n']],
    ["a\\ b ''", ['a b', '']],
    ['', []],
  ])('takes %j apart', (line, words) => {
    expect(shellWords(line, (what) => expect.fail(what))).toEqual(words);
  });
});
