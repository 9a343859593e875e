import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidates, unpackPackages } from '../../image-build/debian/debian-package.js';
import { bootLoaderPackages, makeBootLoader } from '../../image-build/direct/boot-loader.js';
import { makeWholeDisk, toQcow2 } from '../../image-build/direct/whole-disk.js';
import { run } from '../../image-build/process/run.js';
import { type Artifact, artifact } from './artifact-cache.js';

/** Start of the line that the installed system prints on its serial console; host name, UUID and origin follow. */
export const DEBIAN_HELLO = 'FERRIC-LAB installed system is up:';

const INCLUDE = ['systemd-sysv', 'udev', 'dbus', 'iproute2', 'kmod', 'login', 'passwd', 'procps'];
const SUITE = 'bookworm';
/** Size of the root file system; the generic kernel's modules alone take some 400 MB. */
const ROOT_MIB = { cloud: 640, generic: 1280 };
/** crypt(3) of "lab", so that a person can look around on the serial console. */
const LAB_PASSWORD =
  '$6$ferriclab$JRv0JiltfTTdn9dys719IB1RYUOqt3vG3kRtp8u0XXiM5iATO2EzbkH7KhLDX0xwLNGw0hXyddBr4e3e33jus1';

// Reads a config drive as cloud-init does, by shell alone: label config-2, OpenStack's meta_data.json.
const HELLO = `#!/bin/sh
field() { sed -n 's/.*"'"$1"'" *: *"\\([^"]*\\)".*/\\1/p' "$2" | head -n 1; }
drive=none uuid=none
device=$(blkid -t LABEL=config-2 -o device | head -n 1)
[ -n "$device" ] || device=$(blkid -t LABEL=CONFIG-2 -o device | head -n 1)
if [ -n "$device" ]; then
  mkdir -p /run/config-drive
  if mount -o ro "$device" /run/config-drive; then
    metadata=/run/config-drive/openstack/latest/meta_data.json
    drive=$device
    if [ -r "$metadata" ]; then
      tr ',{}' '\\n\\n\\n' < "$metadata" > /run/metadata
      uuid=$(field uuid /run/metadata)
      name=$(field hostname /run/metadata)
      [ -n "$name" ] || name=$(field name /run/metadata)
      [ -z "$name" ] || { echo "$name" > /etc/hostname; hostname "$name"; }
    fi
  fi
fi
root=$(findmnt -n -o SOURCE /)
seconds=$(cut -d' ' -f1 /proc/uptime)
. /etc/os-release
echo "${DEBIAN_HELLO} host=$(hostname) uuid=\${uuid:-none} config-drive=$drive root=$root seconds=$seconds, $PRETTY_NAME, Linux $(uname -r)" > /dev/console
`;
const UNIT = `[Unit]
Description=Says on the serial console that the installed system runs
DefaultDependencies=no
After=local-fs.target systemd-udev-settle.service systemd-udev-trigger.service
Wants=systemd-udev-settle.service
Before=serial-getty@ttyS0.service network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/say-hello

[Install]
WantedBy=multi-user.target
`;
const NETWORK = `[Match]
Name=en* eth*

[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
`;
const FSTAB = 'LABEL=ferric-root / ext4 defaults,x-systemd.growfs 0 1\n';
const EARLY = `search --no-floppy --set=root --label ferric-root
configfile ($root)/boot/grub/grub.cfg
`;

export interface DebianImageOptions {
  /** 'cloud' (default) has drivers for virtio and NVMe only; 'generic' also for SATA, SCSI and physical NICs. */
  kernel?: 'cloud' | 'generic';
  format?: 'raw' | 'qcow2';
}

/**
 * A small real Debian 12: systemd, a serial console, DHCP on every wired NIC, root's password "lab". mmdebstrap makes
 * it from this machine's apt sources, without loop devices, mounts or a virtual machine.
 * @param cache folder of built files
 * @throws ExecaError with mmdebstrap's output when a package is unavailable
 */
export async function debianImage(cache: string, options: DebianImageOptions = {}): Promise<Artifact> {
  const { kernel = 'cloud', format = 'qcow2' } = options;
  const metapackage = kernel === 'cloud' ? 'linux-image-cloud-amd64' : 'linux-image-amd64';
  const include = [...INCLUDE, metapackage];
  const loaderPackages = await bootLoaderPackages();
  const versions = await candidates(['base-files', ...include]);
  const texts = { HELLO, UNIT, NETWORK, FSTAB, EARLY, grub: grubConfiguration('', '') };
  const recipe = { version: 1, loaderPackages, versions, texts, size: ROOT_MIB[kernel] };
  const stem = `debian12-${kernel}`;
  const raw = await artifact(cache, { stem, extension: 'raw' }, recipe, async (output, scratch) => {
    const root = join(scratch, 'system');
    await makeSystem(root, include);
    finishSystem(root);
    const tools = join(scratch, 'tools');
    await unpackPackages(loaderPackages, tools);
    await makeWholeDisk({
      output,
      scratch,
      bootLoader: await makeBootLoader(tools, scratch, EARLY),
      esp: { size: 36, label: 'ESP', files: {} },
      root: { size: ROOT_MIB[kernel], label: 'ferric-root', folder: root },
      diskId: '7F1E0000-0000-4000-8000-0000000DEB12',
    });
  });
  if (format === 'raw') return raw;
  return artifact(cache, { stem, extension: 'qcow2' }, recipe, (output) => toQcow2(raw.path, output));
}

async function makeSystem(root: string, include: readonly string[]): Promise<void> {
  // Without these sources mmdebstrap would choose a mirror that this machine may not reach.
  const targets = await run('apt-get', [
    'indextargets',
    '--format',
    '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)',
    'Created-By: Packages',
  ]);
  const sources = targets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([origin, , release]) => origin === 'Debian' && release?.startsWith(SUITE))
    .map(([, uri, release, component]) => `deb ${uri} ${release} ${component}`);
  if (sources.length === 0) throw new Error(`apt has no Debian ${SUITE} here to build the image from`);
  const proxy = /^proxy='(.*)'$/m.exec(
    await run('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy']),
  )?.[1];
  const slim = ['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const args = [
    ...['--quiet', '--mode=root', '--variant=minbase', `--include=${include.join(',')}`, ...slim],
    ...(proxy ? [`--aptopt=Acquire::http::Proxy "${proxy}"`] : []),
    ...[SUITE, root, ...new Set(sources)],
  ];
  await run('mmdebstrap', args, { timeout: 1_800_000 });
}

function finishSystem(root: string): void {
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  put('usr/local/sbin/say-hello', HELLO, 0o755);
  put('etc/systemd/system/say-hello.service', UNIT);
  put('etc/systemd/network/80-wired.network', NETWORK);
  put('etc/fstab', FSTAB);
  put('etc/hostname', 'ferric-lab\n');
  put('etc/machine-id', ''); // each installed machine generates its own
  const enable = (unit: string, target: string, from: string) => {
    const wants = join(root, `etc/systemd/system/${target}.wants`);
    mkdirSync(wants, { recursive: true });
    rmSync(join(wants, unit), { force: true });
    symlinkSync(join('/', from, unit), join(wants, unit));
  };
  enable('say-hello.service', 'multi-user.target', 'etc/systemd/system');
  enable('systemd-networkd.service', 'multi-user.target', 'lib/systemd/system');
  const shadow = join(root, 'etc/shadow');
  writeFileSync(shadow, readFileSync(shadow, 'utf8').replace(/^root:[^:]*:/m, `root:${LAB_PASSWORD}:`));
  const boot = readdirSync(join(root, 'boot'));
  const [kernel, initrd] = ['vmlinuz-', 'initrd.img-'].map((prefix) =>
    boot.find((f) => f.startsWith(prefix)),
  );
  if (kernel === undefined || initrd === undefined)
    throw new Error('the system came out without kernel or initrd');
  put('boot/grub/grub.cfg', grubConfiguration(kernel, initrd));
  // This machine's package sources are private, and may be unreachable from the installed system.
  const ours = [
    'etc/apt/sources.list',
    'etc/apt/apt.conf.d/99mmdebstrap',
    'etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  ];
  for (const waste of [...ours, 'etc/resolv.conf', 'var/cache/apt', 'var/lib/apt/lists'])
    rmSync(join(root, waste), { recursive: true, force: true });
}

function grubConfiguration(kernel: string, initrd: string): string {
  return `serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
linux /boot/${kernel} root=LABEL=ferric-root ro console=tty0 console=ttyS0,115200 quiet
initrd /boot/${initrd}
boot
`;
}
