import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Makes a root file system with a shell, and with Perl, which makes system calls by number. */
export function hostileImage(root: string): void {
  for (const program of ['/bin/busybox', '/usr/bin/perl']) {
    const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
    for (const path of [program, ...[...libraries].map((match) => match[1]!)]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(path, join(root, path));
    }
  }
  for (const name of ['sh', 'cat', 'ls', 'find', 'sleep', 'setsid', 'test', 'echo', 'head']) {
    rmSync(join(root, 'bin', name), { force: true });
    symlinkSync('busybox', join(root, 'bin', name));
  }
  mkdirSync(join(root, 'tmp'), { recursive: true });
}

/**
 * Every known escape, each by the bare system call (x86-64). Prints one line each: its name, then `ok` or the error
 * number. Its targets exist, so that an open escape is reported as `ok`.
 */
export const WAYS_OUT = String.raw`
$| = 1;
sub k { my ($n, @a) = @_; my $r = syscall($n, @a); return $r; }
sub way { my ($name, $did) = @_; my $r = $did->(); print "$name ", (defined $r && $r != -1 ? 'ok' : 0 + $!), "\n"; }
sub text { my ($path, $text) = @_; open(my $f, '>', $path) or return -1; syswrite($f, $text) // return -1; close($f) or return -1; return 0; }
sub reads { my ($path) = @_; open(my $f, '<', $path) or return -1; sysread($f, my $b, 16) // return -1; return length($b) ? 0 : do { $! = 2; -1 }; }
sub at { my @t = @_; my $s = $t[0]; return $s; }
sub names { opendir(my $d, $_[0]) or return (); return grep { !/^\.\.?$/ } readdir($d); }
mkdir('/tmp/d'); mkdir('/tmp/e');
# What was left open, before it opens anything itself.
way('open-files', sub { my @f = grep { $_ > 2 && (readlink("/proc/self/fd/$_") // '/proc/') !~ m{^/proc/} } names('/proc/self/fd'); @f ? 0 : -1 });
# Mounts and roots.
for my $type (qw(tmpfs proc sysfs devtmpfs debugfs securityfs bpf cgroup2 efivarfs)) {
  way("mount-$type", sub { k(165, at($type), at('/tmp/d'), at($type), 0, 0) });
}
way('bind-root', sub { k(165, at('/'), at('/tmp/d'), at('none'), 4096, 0) });
way('remount-root', sub { k(165, at('none'), at('/'), at('none'), 32, 0) });
way('remount-proc', sub { k(165, at('none'), at('/proc'), at('none'), 32 | 4096, 0) });
way('remount-dev', sub { k(165, at('none'), at('/dev'), at('none'), 32 | 4096, 0) });
for my $dir (qw(/proc /sys /dev /run /)) { way("umount-$dir", sub { k(166, at($dir), 2) }); }
way('open-tree', sub { k(428, -100, at('/'), 1) });
way('fsopen', sub { k(430, at('tmpfs'), 0) });
way('idmap', sub { k(442, -100, at('/'), 0, pack('Q4', 2, 0, 0, 0), 32) });
way('chroot', sub { k(161, at('/tmp/d')) });
way('pivot-root', sub { k(155, at('/tmp/d'), at('/tmp/d')) });
# Rooms of its own, in which it would be root again.
for my $flag (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x04000000, 0x08000000, 0x02000000, 0x80, 0x10020000) {
  way(sprintf('unshare-%x', $flag), sub { k(272, $flag) });
}
way('clone-user', sub { my $r = k(56, 0x10000000 | 17, 0, 0, 0, 0); exit 0 if $r == 0; $r });
way('clone3', sub { k(435, pack('Q11', 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88) });
for my $ns (qw(mnt user net pid ipc uts cgroup)) { way("setns-$ns", sub { open(my $f, '<', "/proc/1/ns/$ns") or return -1; k(308, fileno($f), 0) }); }
# Accounts and capabilities.
way('setuid-other', sub { k(117, 1, 1, 1) });
way('setgroups', sub { k(116, 0, 0) });
way('capset', sub { k(126, pack('LL', 0x20080522, 0), pack('L6', 1 << 21, 1 << 21, 0, 0, 0, 0)) });
way('securebits', sub { k(157, 28, 0, 0, 0, 0) });
way('ambient', sub { k(157, 47, 2, 21, 0, 0) });
way('chown-other', sub { open(my $f, '>', '/tmp/own') or return -1; k(92, at('/tmp/own'), 5, 5) });
# Devices.
way('mknod-disk', sub { k(133, at('/tmp/disk'), 0060600, 0x800) });
way('mknod-mem', sub { k(133, at('/tmp/mem'), 0020600, 0x101) });
way('mknod-kmsg', sub { k(133, at('/dev/kmsg'), 0020600, 0x10b) });
way('write-dev', sub { text('/dev/new', 'x') });
way('chmod-null', sub { chmod(0777, '/dev/null') ? 0 : -1 });
way('mem', sub { reads('/dev/mem') });
way('kmsg', sub { reads('/dev/kmsg') });
# The kernel.
for my $path (qw(/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug /proc/sys/kernel/panic
  /proc/sys/vm/drop_caches /proc/sys/user/max_user_namespaces /proc/sys/fs/binfmt_misc/register /proc/sysrq-trigger
  /proc/irq/0/smp_affinity /sys/kernel/uevent_helper /sys/power/state /sys/power/wakeup_count /sys/kernel/mm/ksm/run
  /sys/block/vda/uevent /sys/class/net/lo/mtu /sys/bus/pci/rescan /sys/firmware/acpi/interrupts/sci
  /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/release_agent /sys/module/kernel/parameters/panic)) {
  way("write-$path", sub { text($path, '1') });
}
for my $path (qw(/proc/kcore /proc/kmsg /proc/keys /proc/cmdline /proc/config.gz /proc/kallsyms /proc/kpageflags /proc/vmallocinfo
  /proc/iomem /proc/modules /proc/timer_list /sys/firmware/dmi/tables/DMI /sys/kernel/debug/sleep_time /sys/class/dmi/id/product_serial)) {
  way("read-$path", sub { reads($path) });
}
way('init-module', sub { k(175, at('x' x 64), 64, at('')) });
way('finit-module', sub { open(my $f, '<', '/bin/busybox'); k(313, fileno($f), at(''), 0) });
way('delete-module', sub { k(176, at('loop'), 0) });
way('kexec-load', sub { k(246, 0, 0, 0, 0) });
way('kexec-file', sub { open(my $f, '<', '/bin/busybox'); k(320, fileno($f), fileno($f), 0, 0, 0) });
way('reboot', sub { k(169, 0xfee1dead, 0x28121969, 0, 0) });
way('swapon', sub { k(167, at('/tmp/own'), 0) });
way('syslog', sub { my $b = "\0" x 64; k(103, 3, $b, 64) });
way('bpf', sub { k(321, 0, pack('L16', 1, 4, 4, 1, (0) x 12), 64) });
way('perf', sub { k(298, pack('LLQQ' . 'Q12', 1, 112, 0, 0, (0) x 12), 0, -1, -1, 0) });
way('userfaultfd', sub { k(323, 1) });
way('io-uring', sub { k(425, 1, "\0" x 128) });
way('keyctl', sub { k(250, 0, -3, 1) });
way('add-key', sub { k(248, at('user'), at('x'), at('y'), 1, -3) });
way('handle', sub { k(303, -100, at('/'), pack('LL', 128, 0) . "\0" x 128, "\0" x 8, 0) });
way('open-handle', sub { k(304, -100, pack('LLQ', 8, 1, 2), 0) });
way('clock', sub { k(227, 0, pack('QQ', 1, 0)) });
way('iopl', sub { k(172, 3) });
way('hostname', sub { k(170, at('x'), 1) });
way('acct', sub { k(163, 0) });
# Processes.
way('ptrace-1', sub { k(101, 16, 1, 0, 0) });
way('ptrace-me', sub { k(101, 0, 0, 0, 0) });
way('vm-read', sub { my $b = "\0" x 8; k(310, 1, pack('PQ', $b, 8), 1, pack('QQ', 0x400000, 8), 1, 0) });
way('pidfd-getfd', sub { my $p = k(434, 1, 0); k(438, $p, 1, 0) });
way('kill-1', sub { k(62, 1, 9) });
# Another process of its own is its own to end.
way('kill-parent', sub { getppid() == 1 ? k(62, 1, 9) : -1 });
way('prio', sub { k(141, 0, 0, -20) });
for my $link (qw(root cwd exe fd environ mem maps)) { way("proc-1-$link", sub { -e "/proc/1/$link/." || -e "/proc/1/$link" ? reads("/proc/1/$link") : -1 }); }
way('proc-others', sub { my @o = grep { $_ != $$ && $_ != getppid() } grep { /^\d+$/ } names('/proc'); @o ? 0 : -1 });
# Sockets. A name without a file is known in one network room only.
for my $family (2, 10, 16, 17, 38, 40, 31, 29, 44) { way("socket-$family", sub { k(41, $family, 2, 0) }); }
way('abstract', sub { my $s = k(41, 1, 1, 0); k(42, $s, pack('S', 1) . "\0" . $ENV{NAME}, 3 + length($ENV{NAME})) });
way('environment', sub { $ENV{FERRIC_SECRET} ? 0 : -1 });
way('terminal', sub { reads('/dev/tty') });
way('tiocsti', sub { my $c = 'x'; k(16, 0, 0x5412, $c) });
# Paths.
way('up', sub { my @root = stat('/'); my @up = stat('../' x 64); chdir('/tmp'); @up = stat('../' x 64); "@up[0,1]" eq "@root[0,1]" ? -1 : 0 });
way('open-up', sub { opendir(my $d, '/tmp'); k(81, fileno($d)); -e ('../' x 64) . $ENV{CANARY} ? 0 : do { $! = 2; -1 } });
way('canary', sub { -e $ENV{CANARY} ? 0 : -1 });
way('link-canary', sub { symlink('/proc/1/root' . $ENV{CANARY}, '/tmp/l'); reads('/tmp/l') });
`;

/** Prints every writable file and folder below the arguments, without following links. */
export const WRITABLE = String.raw`
my @left = @ARGV;
while (defined(my $path = shift @left)) {
  my @facts = lstat($path) or next;
  if (($facts[2] & 0170000) == 0040000) {
    print "$path/\n" if open(my $f, '>', "$path/ferric-new");
    opendir(my $d, $path) or next;
    push @left, map { "$path/$_" } grep { !/^\.\.?$/ } readdir($d);
  } elsif (($facts[2] & 0170000) != 0120000) {
    print "$path\n" if open(my $f, '>>', $path);
  }
}
`;

/** Results by name: `ok`, or the error number (not permitted, no entry, no process, no access, and so on). */
export function waysOut(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}
