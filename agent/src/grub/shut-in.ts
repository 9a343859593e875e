import { runProgram } from '../run-program.js';

/** A device that the program may see, and the file system UUID under which it looks for it. */
export interface ShownDevice {
  path: string;
  uuid?: string;
}

/**
 * Prepares the rooms of the program, as root of the ramdisk and before anything of the image runs. Arguments: the
 * mounted root, then `path=uuid` for each device, then `--` and the program.
 *
 * The image is the work of a stranger, and its programs run as root, in the machine of the operator: upstream counts
 * that as CVE-2026-43003. Here it gets no network (a namespace without any), no process but its own, no device but the
 * disk, /proc and /sys for reading, and no power over the kernel: a user namespace without capabilities outside of it.
 * Even outside of its own root it would find /run and /tmp, where token and images lie, covered; covers that were laid
 * before the user namespace was made cannot be taken off in it (mount_namespaces(7), locked mounts).
 */
const PREPARE = `set -e
# By their paths: the ramdisk's shell would take applets of its own.
mount() { /usr/bin/mount "$@"; }
root=$1
shift
for dir in dev proc sys run tmp; do
  if [ -L "$root/$dir" ]; then echo "/$dir of the image is a link" >&2; exit 1; fi
  [ -d "$root/$dir" ] || mkdir "$root/$dir"
done
mount -t tmpfs -o nosuid,noexec,mode=0755 tmpfs "$root/dev"
mkdir -p "$root/dev/disk/by-uuid"
for node in null zero full random urandom; do cp -a "/dev/$node" "$root/dev/$node"; done
ln -s /proc/self/fd "$root/dev/fd"
while [ "$1" != -- ]; do
  path=\${1%%=*} uuid=\${1#*=}
  cp -a "$path" "$root$path"
  # grub-mkconfig writes root=UUID= only where it sees this link.
  if [ -n "$uuid" ]; then ln -s "../../\${path#/dev/}" "$root/dev/disk/by-uuid/$uuid"; fi
  shift
done
shift
mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$root/run"
cd "$root"
mount --bind "$root/dev" /dev
# The map of users is written through it, so that it cannot be for reading only as a whole.
mount -t proc -o nosuid,nodev,noexec proc /proc
for path in sys sysrq-trigger irq bus fs; do
  if [ -e "/proc/$path" ]; then
    mount --bind "/proc/$path" "/proc/$path"
    mount -o remount,bind,ro "/proc/$path"
  fi
done
for dir in /run /agent /root /mnt /sys /tmp; do
  if [ -d "$dir" ]; then mount -t tmpfs -o ro,nosuid,nodev,noexec tmpfs "$dir"; fi
done
exec /usr/bin/unshare --user --map-root-user --mount --root=. --wd=/ "$@"
`;

/**
 * Runs a program of a mounted system shut in.
 * @param root where it is mounted
 * @param command name, found on the system's own path, and arguments
 * @throws ProgramError
 */
export async function runShutIn(
  root: string,
  devices: readonly ShownDevice[],
  command: readonly string[],
  options: { timeout?: number } = {},
): Promise<string> {
  const shown = devices.map(({ path, uuid }) => `${path}=${uuid ?? ''}`);
  const { stdout } = await runProgram(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts', '--cgroup'],
      ...['sh', '-c', PREPARE, 'sh', root, ...shown, '--', ...command],
    ],
    options,
  );
  return stdout;
}
