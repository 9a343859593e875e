import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';

// Readers written by others: isoinfo (genisoimage), bsdtar (libarchive), blkid (util-linux).
describe('a config drive', () => {
  let dir: string;
  let path: string;
  const userData = `#cloud-config\n${'x'.repeat(5000)}\n`;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'config-drive-'));
    path = join(dir, 'drive.iso');
    const content = { meta_data: { hostname: 'h' }, network_data: { links: [] }, user_data: userData };
    writeFileSync(path, buildConfigDrive(content, { uuid: 'u', name: 'n' }, Date.UTC(2026, 0, 2, 3, 4, 5)));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const run = (file: string, ...args: string[]) => execFileSync(file, args, { encoding: 'utf8' });
  const names = ['meta_data.json', 'network_data.json', 'user_data'];
  const paths = ['2012-08-10', 'latest'].flatMap((v) => names.map((name) => `openstack/${v}/${name}`));

  it('is known by its label', () => {
    expect(run('blkid', '-p', '-o', 'value', '-s', 'LABEL', path).trim()).toBe('config-2');
    expect(run('blkid', '-p', '-o', 'value', '-s', 'TYPE', path).trim()).toBe('iso9660');
  });

  it('shows lower-case names through Rock Ridge and through Joliet', () => {
    expect(run('isoinfo', '-d', '-i', path)).toMatch(
      /Joliet with UCS level 3 found[\s\S]*Rock Ridge signatures/,
    );
    const joliet = run('isoinfo', '-J', '-f', '-i', path);
    for (const one of paths) expect(joliet).toContain(`/${one};1\n`);
    const rockRidge = run('isoinfo', '-R', '-f', '-i', path);
    for (const one of paths) expect(rockRidge).toContain(`/${one}\n`);
  });

  it('gives the bytes back', () => {
    const listed = run('bsdtar', '-tf', path).split('\n');
    for (const one of paths) expect(listed).toContain(one);
    expect(run('bsdtar', '-xOf', path, 'openstack/latest/user_data')).toBe(userData);
    expect(JSON.parse(run('bsdtar', '-xOf', path, 'openstack/2012-08-10/meta_data.json'))).toEqual({
      uuid: 'u',
      name: 'n',
      hostname: 'h',
    });
  });
});
