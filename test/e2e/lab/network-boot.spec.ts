import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TINY_HELLO, tinyBoot, tinyImage } from '../../../lab/image/tiny-image.js';
import { createLab, type Lab, type LabMachineOptions } from '../../../lab/lab.js';

const DISK = 256 * 1024 * 1024;
const CACHE = '.lab/cache';

// The lab's machines before someone else's DHCP and TFTP server (dnsmasq), driven by the real ipmitool.
const MACHINES: LabMachineOptions[] = [
  { name: 'bios', firmware: 'bios', disks: [{ bus: 'virtio', size: DISK }], nics: [{ model: 'virtio' }] },
  { name: 'uefi', firmware: 'uefi', disks: [{ bus: 'nvme', size: DISK }], nics: [{ model: 'e1000e' }] },
  {
    name: 'native',
    firmware: 'uefi',
    disks: [{ bus: 'scsi', size: DISK }],
    nics: [{ model: 'virtio', rom: 'none' }],
  },
];

describe('machines of the lab', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-boot-'));
  let lab: Lab;
  let image: string;
  const requests: string[] = [];

  beforeAll(async () => {
    const boot = await tinyBoot(CACHE);
    image = (await tinyImage(CACHE)).path;
    lab = await createLab({ name: 'lab-boot', root: directory, machines: MACHINES });
    const tftp = join(directory, 'tftp');
    mkdirSync(tftp);
    symlinkSync('/usr/lib/ipxe/snponly.efi', join(tftp, 'snponly.efi'));
    writeFileSync(
      join(directory, 'dnsmasq.conf'),
      `port=0\ninterface=br0\nbind-interfaces\ndhcp-range=10.77.0.50,10.77.0.99,255.255.255.0,1h
enable-tftp\ntftp-root=${tftp}\ndhcp-userclass=set:ipxe,iPXE\ndhcp-boot=tag:!ipxe,snponly.efi
dhcp-boot=tag:ipxe,http://10.77.0.1:8080/boot.ipxe
dhcp-leasefile=${directory}/leases\npid-file=${directory}/dnsmasq.pid\nuser=root\n`,
    );
    await lab.start('dnsmasq', ['--keep-in-foreground', `--conf-file=${directory}/dnsmasq.conf`], {
      stdio: 'ignore',
    });
    const script = `#!ipxe
kernel http://10.77.0.1:8080/kernel initrd=initrd console=ttyS0 quiet from=network
initrd --name initrd http://10.77.0.1:8080/initrd
boot
`;
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
      const file = { '/kernel': boot.kernel.path, '/initrd': boot.initrd.path }[request.url ?? ''];
      if (file === undefined) response.end(script);
      else {
        response.setHeader('content-length', statSync(file).size);
        createReadStream(file).pipe(response);
      }
    });
    server.listen(await lab.network.door.tcp('10.77.0.1', 8080));
  });
  afterAll(async () => {
    await lab.close();
    rmSync(directory, { recursive: true });
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain('lab-boot');
  });

  const ipmi = (name: string, ...args: string[]) => {
    const { address, users } = lab.machine(name);
    const file = join(directory, `${name}.password`);
    writeFileSync(file, users[0]!.password);
    const fixed = ['-I', 'lanplus', '-H', address.host, '-U', users[0]!.name, '-f', file];
    return lab.network.inside('ipmitool', [...fixed, ...args]);
  };

  it.each(MACHINES.map(({ name }) => name))(
    'boots %s from the network once, then from its disk',
    async (name) => {
      const { machine } = lab.machine(name);
      copyFileSync(image, machine.diskPaths[0]!);
      const before = requests.length;
      await ipmi(name, 'chassis', 'bootdev', 'pxe', 'options=efiboot');
      expect(await ipmi(name, 'power', 'on')).toContain('Up/On');
      const [first] = await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\n`), { timeout: 90_000 });
      expect(first).toContain('from=network');
      expect(requests.slice(before)).toEqual(['/boot.ipxe', '/kernel', '/initrd']);
      const since = machine.console.position;
      await ipmi(name, 'power', 'reset');
      const [second] = await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\n`), {
        since,
        timeout: 90_000,
      });
      expect(second).not.toContain('from=network');
      expect(second).toContain('BOOT_IMAGE');
      await ipmi(name, 'power', 'off');
      expect(await ipmi(name, 'power', 'status')).toContain('is off');
    },
  );

  it('keeps booting from the network while the flag is persistent', async () => {
    const { machine } = lab.machine('bios');
    await ipmi('bios', 'chassis', 'bootdev', 'pxe', 'options=persistent');
    await ipmi('bios', 'power', 'on');
    for (const action of ['reset', 'cycle']) {
      const since = machine.console.position;
      await ipmi('bios', 'power', action);
      const [hello] = await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\n`), {
        since,
        timeout: 60_000,
      });
      expect(hello).toContain('from=network');
    }
    await ipmi('bios', 'power', 'off');
  });
});
