import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../process/run.js';
import type { Access } from '../user/request.js';

/** Label of the root file system. */
export const ROOT_LABEL = 'img-rootfs';
export const ESP_LABEL = 'ESP';
const CONSOLES = 'console=tty0 console=ttyS0,115200';

// systemd.network(5): DHCP on every wired NIC of any name. Virtual links such as bridges have a kind, NICs have none.
const DHCP = `[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes
`;
const HOST_KEYS = `[Unit]
Description=Make the SSH host keys of this machine
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
`;
const GRUB_DEFAULTS = `GRUB_TIMEOUT=2
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="${CONSOLES}"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
`;

export interface Configuration {
  release: string;
  kind: 'whole-disk' | 'partition';
  elements: readonly string[];
  access: Access;
}

export interface BootFiles {
  /** Paths of the newest kernel and its ramdisk. */
  kernel: string;
  initrd: string;
}

/** Turns a tree of packages into an image's system: its boot files, file systems, network, logins. */
export async function configureSystem(root: string, configuration: Configuration): Promise<BootFiles> {
  const { release, kind, elements, access } = configuration;
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  const enable = (unit: string, from: string) => {
    const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
    mkdirSync(wants, { recursive: true });
    rmSync(join(wants, unit), { force: true });
    symlinkSync(join('/', from, unit), join(wants, unit));
  };
  const esp = kind === 'whole-disk' ? `LABEL=${ESP_LABEL} /boot/efi vfat umask=0077,nofail 0 0\n` : '';
  put('etc/fstab', `LABEL=${ROOT_LABEL} / ext4 errors=remount-ro 0 1\n${esp}`);
  if (kind === 'whole-disk') mkdirSync(join(root, 'boot/efi'), { recursive: true });
  put('etc/hostname', 'debian\n');
  put('etc/hosts', '127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost ip6-localhost ip6-loopback\n');
  put('etc/machine-id', ''); // each installed machine generates its own
  put('etc/default/grub', GRUB_DEFAULTS);
  put('etc/apt/sources.list', publicSources(release));
  for (const ours of ['apt/apt.conf.d/99mmdebstrap', 'dpkg/dpkg.cfg.d/99mmdebstrap', 'resolv.conf'])
    rmSync(join(root, 'etc', ours), { force: true });
  if (elements.includes('dhcp-all-interfaces')) {
    put('etc/systemd/network/80-wired.network', DHCP);
    enable('systemd-networkd.service', 'lib/systemd/system');
    // Name servers from DHCP: systemd-resolved(8), and its file that /etc/resolv.conf should link to.
    enable('systemd-resolved.service', 'lib/systemd/system');
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
  }
  if (existsSync(join(root, 'usr/sbin/sshd'))) {
    const ssh = join(root, 'etc/ssh');
    for (const name of readdirSync(ssh).filter((entry) => entry.startsWith('ssh_host_')))
      rmSync(join(ssh, name));
    put('etc/systemd/system/ssh-host-keys.service', HOST_KEYS);
    enable('ssh-host-keys.service', 'etc/systemd/system');
  }
  await letIn(root, access);
  const boot = bootFiles(root);
  const name = (path: string) => path.slice(root.length);
  put('boot/grub/grub.cfg', grubConfiguration(name(boot.kernel), name(boot.initrd)));
  // Configurations by update-grub load modules from here; grub-install would have copied them.
  for (const platform of ['i386-pc', 'x86_64-efi'])
    cpSync(join(root, 'usr/lib/grub', platform), join(root, 'boot/grub', platform), {
      recursive: true,
      filter: (path) => !/\.(img|image|exec)$|kernel\./.test(path),
    });
  return boot;
}

async function letIn(root: string, { rootPasswordHash, sshKeys, user }: Access): Promise<void> {
  if (rootPasswordHash !== undefined) {
    const shadow = join(root, 'etc/shadow');
    const text = readFileSync(shadow, 'utf8');
    writeFileSync(
      shadow,
      text.replace(/^root:[^:]*:/m, () => `root:${rootPasswordHash}:`),
    );
  }
  let home = 'root';
  if (user !== undefined) {
    await run('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', '--groups', 'sudo', user]);
    writeFileSync(join(root, 'etc/sudoers.d', user), `${user} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
    home = join('home', user);
  }
  if (sshKeys.length === 0) return;
  const folder = join(root, home, '.ssh');
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'authorized_keys'), `${sshKeys.join('\n')}\n`, { mode: 0o600 });
  if (user !== undefined) await run('chroot', [root, 'chown', '-R', `${user}:${user}`, `/${home}/.ssh`]);
}

function bootFiles(root: string): BootFiles {
  const names = readdirSync(join(root, 'boot')).sort();
  const [kernel, initrd] = ['vmlinuz-', 'initrd.img-'].map((prefix) =>
    names.filter((name) => name.startsWith(prefix)).at(-1),
  );
  if (kernel === undefined || initrd === undefined)
    throw new Error('the system came out without a kernel or without its ramdisk');
  return { kernel: join(root, 'boot', kernel), initrd: join(root, 'boot', initrd) };
}

/** Public package sources: those of the building machine may be unreachable from the installed system. */
function publicSources(release: string): string {
  const line = (archive: string, suite: string) => `deb http://deb.debian.org/${archive} ${suite} main\n`;
  const further = ['sid', 'unstable', 'experimental'].includes(release)
    ? ''
    : line('debian', `${release}-updates`) + line('debian-security', `${release}-security`);
  return line('debian', release) + further;
}

/** Initial configuration of GRUB, until update-grub replaces it. */
function grubConfiguration(kernel: string, initrd: string): string {
  return `serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=2
search --no-floppy --set=root --label ${ROOT_LABEL}
menuentry 'Debian GNU/Linux' {
  linux ${kernel} root=LABEL=${ROOT_LABEL} ro ${CONSOLES}
  initrd ${initrd}
}
`;
}

/** Embedded in the boot loader: finds the root file system, and loads its configuration. */
export const EARLY_GRUB = `search --no-floppy --set=root --label ${ROOT_LABEL}
set prefix=($root)/boot/grub
configfile ($root)/boot/grub/grub.cfg
`;
