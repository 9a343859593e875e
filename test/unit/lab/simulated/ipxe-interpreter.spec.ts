import { describe, expect, it } from 'vitest';
import { IpxeFailure, runIpxe } from '../../../../lab/simulated/ipxe-interpreter.js';
import { BOOT_IPXE } from '../../../../src/netboot/published/boot-script.js';

const BASE = 'http://10.77.0.1:8080/boot.ipxe';
const run = (script: string, files: Record<string, string> = {}, settings: Record<string, string> = {}) => {
  const fetched: string[] = [];
  const outcome = runIpxe(script, BASE, {
    settings: { 'net0/mac': '52:54:00:aa:bb:cc', mac: '52:54:00:aa:bb:cc', platform: 'efi', ...settings },
    fetch: async (url) => {
      fetched.push(url);
      const text = files[new URL(url).pathname];
      if (text === undefined) throw new Error('not found');
      return text;
    },
  });
  return Object.assign(outcome, { fetched });
};

describe('the iPXE interpreter', () => {
  it('boots a kernel with its line and ramdisk, URLs being relative to the script', async () => {
    const script = `#!ipxe
imgfree
kernel --timeout 5000 uuid/kernel selinux=0 BOOTIF=\${mac} initrd=ramdisk || goto retry
initrd --name ramdisk /other/ramdisk
boot`;
    expect(await run(script)).toEqual({
      kind: 'kernel',
      kernel: 'http://10.77.0.1:8080/uuid/kernel',
      args: 'selinux=0 BOOTIF=52:54:00:aa:bb:cc initrd=ramdisk',
      initrds: ['http://10.77.0.1:8080/other/ramdisk'],
    });
  });

  it("finds the node's script by the MAC of each NIC, as the daemon's boot.ipxe does", async () => {
    const files = { '/pxelinux.cfg/52-54-00-aa-bb-dd': '#!ipxe\nkernel k a=1\nboot\n' };
    const second = { 'net1/mac': '52:54:00:aa:bb:dd' };
    const found = run(BOOT_IPXE, files, second);
    expect(await found).toMatchObject({ kind: 'kernel', kernel: 'http://10.77.0.1:8080/pxelinux.cfg/k' });
    expect(found.fetched.map((url) => new URL(url).pathname)).toEqual([
      '/pxelinux.cfg/52-54-00-aa-bb-cc',
      '/pxelinux.cfg/52-54-00-aa-bb-dd',
    ]);
    await expect(run(BOOT_IPXE, {}, second), 'no script for any NIC').rejects.toThrow('exit 1');
  });

  it('knows when || and && run what follows them', async () => {
    const script = (line: string) => `#!ipxe\n${line}\nkernel reached\nboot`;
    const reached = { kernel: 'http://10.77.0.1:8080/reached' };
    for (const line of [
      'isset $' + '{nothing} ||',
      'iseq a a && goto on || goto off\n:off\nexit\n:on',
      'iseq a b || iseq c c',
      'iseq a b && exit ||',
    ])
      expect(await run(script(line)), line).toMatchObject(reached);
    for (const line of [
      'isset $' + '{nothing}',
      'iseq a b',
      'iseq a b || iseq c d',
      'iseq a a && frobnicate',
      'goto nowhere',
    ])
      await expect(run(script(line)), line).rejects.toThrow(IpxeFailure);
  });

  it('counts, and ends a loop that never ends', async () => {
    const script = `#!ipxe
set i:int32 0
:again
inc i
iseq \${i} 10 || goto again
kernel k\${i}
boot`;
    expect(await run(script)).toMatchObject({ kernel: 'http://10.77.0.1:8080/k10' });
    await expect(run('#!ipxe\n:a\ngoto a')).rejects.toThrow('never ends');
  });

  it('goes on with the next device on exit and sanboot, and fails on exit 1 unless it is caught', async () => {
    expect(await run('#!ipxe\nexit 0\nkernel k\nboot')).toEqual({ kind: 'local' });
    expect(await run('#!ipxe\nsanboot --no-describe --drive 0x80 || exit 0')).toEqual({ kind: 'local' });
    expect(await run('#!ipxe\necho the end')).toEqual({ kind: 'local' });
    await expect(run('#!ipxe\nexit 1')).rejects.toThrow('exit 1');
    const caught = '#!ipxe\nchain inner || goto caught\nexit\n:caught\nkernel k\nboot';
    expect(await run(caught, { '/inner': '#!ipxe\nexit 1' })).toMatchObject({ kind: 'kernel' });
    expect(await run(caught, { '/inner': '#!ipxe\nexit 0' })).toEqual({ kind: 'local' });
  });

  it('refuses what is no script', async () => {
    await expect(run('<html>')).rejects.toThrow('exec format error');
    await expect(run('#!ipxe\nshell')).rejects.toThrow('waits for a person');
  });
});
