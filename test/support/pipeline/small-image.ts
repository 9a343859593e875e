// A base image for pipelines, made from Debian packages in seconds: GPT, one ext4, a shell and what scripts need.
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../image-build/process/run.js';

/** Size of the disk, bytes. */
const DISK = 96 * 2 ** 20;
const MiB = 2 ** 20;
/** Programs that busybox provides. disk-image-builder's own scripts call the later ones inside the image. */
const APPLETS = [
  ...[
    'sh',
    'cat',
    'mkdir',
    'touch',
    'id',
    'sync',
    'chmod',
    'ls',
    'dd',
    'mkswap',
    'cp',
    'mv',
    'rm',
    'true',
    'find',
  ],
  ...[
    'env',
    'sort',
    'grep',
    'sed',
    'tee',
    'date',
    'basename',
    'dirname',
    'mktemp',
    'head',
    'tail',
    'wc',
    'tr',
    'awk',
  ],
  ...[
    'readlink',
    'expr',
    'seq',
    'cut',
    'uname',
    'stat',
    'sleep',
    'test',
    'xargs',
    'which',
    'getopt',
    'realpath',
  ],
];

/** Makes `small-base.qcow2` in the directory. @returns its path */
export async function makeSmallBase(directory: string): Promise<string> {
  const root = join(directory, 'root');
  await rm(root, { recursive: true, force: true });
  for (const name of [
    'etc',
    'proc',
    'sys',
    'dev',
    'tmp',
    'run',
    'root',
    'boot',
    'usr/bin',
    'usr/local/bin',
    'var/log',
    'var/tmp',
  ])
    await mkdir(join(root, name), { recursive: true });
  for (const name of ['busybox-static', 'bash-static']) await unpack(name, directory, root);
  await run('ln', ['-s', 'bash-static', join(root, 'bin/bash')]);
  for (const name of APPLETS) await run('ln', ['-s', '/bin/busybox', join(root, 'usr/bin', name)]);
  await run('ln', ['-s', '/bin/busybox', join(root, 'bin/sh')]);
  await writeFile(join(root, 'etc/os-release'), 'ID=small\nPRETTY_NAME="A small system"\n');
  await writeFile(join(root, 'etc/fstab'), '');
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const disk = join(directory, 'disk');
  await makeDisk(root, join(directory, 'filesystem'), disk);
  const image = join(directory, 'small-base.qcow2');
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', disk, image]);
  for (const made of [root, disk]) await rm(made, { recursive: true });
  return image;
}

async function makeDisk(root: string, filesystem: string, disk: string): Promise<void> {
  for (const [file, size] of [
    [filesystem, DISK - 2 * MiB],
    [disk, DISK],
  ] as const) {
    await writeFile(file, '');
    await truncate(file, size);
  }
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-L', 'root', filesystem]);
  const table = `label: gpt\nstart=${MiB / 512}, size=${(DISK - 2 * MiB) / 512}, type=L\n`;
  await run('sfdisk', ['--quiet', '--no-reread', disk], { input: table });
  await run('dd', [
    `if=${filesystem}`,
    `of=${disk}`,
    'bs=1M',
    'seek=1',
    'conv=notrunc,sparse',
    'status=none',
  ]);
  await rm(filesystem);
}

async function unpack(name: string, directory: string, root: string): Promise<void> {
  const downloads = join(directory, `deb-${name}`);
  await mkdir(downloads, { recursive: true });
  const asRoot = ['-o', 'APT::Sandbox::User=root'];
  await run('apt-get', ['-q', ...asRoot, 'download', name], { cwd: downloads, timeout: 120_000 });
  await run('sh', ['-c', 'dpkg-deb -x ./*.deb "$0"', root], { cwd: downloads });
  await rm(downloads, { recursive: true });
}
