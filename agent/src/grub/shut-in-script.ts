/**
 * Isolates a program of an image. In Perl: the only program of the ramdisk that can make system calls by number, which
 * mounts with mapped accounts need (mount_setattr(2)); the mount of Debian 12 cannot make them. It uses no module.
 * Numbers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
 *
 * Arguments: mount point of the image, an empty directory, bytes of memory, seconds of processor time, then
 * `path=mode=uuid` for each device, then `--` and the program. Exits with 125 when an isolation step failed; no program
 * of the image has run then.
 */
export const SHUT_IN_SCRIPT = String.raw`
my ($image, $stage, $memory, $seconds) = splice(@ARGV, 0, 4);
# Accounts of the image are these ones outside: nobody's, and no file of the ramdisk is theirs.
my ($base, $count) = (0x70000000, 0x10000);
my ($RDONLY, $NOSUID, $NODEV, $NOEXEC, $REMOUNT, $BIND, $MOVE) = (1, 2, 4, 8, 32, 4096, 8192);
my ($HERE, $DETACH) = (-100, 2);

sub fail { print STDERR "shut-in: $_[0]: $!\n"; exit 125 }
# By copies: syscall wants texts that it could write to.
sub kernel { my ($number, @arguments) = @_; return syscall($number, @arguments) }
sub call {
  my ($what, @numbers) = @_;
  my $result = kernel(@numbers);
  fail($what) if $result == -1;
  return $result;
}
sub mounted {
  my ($type, $where, $flags, $data) = @_;
  call("mount $type at $where", 165, $type, $where, $type, $flags, $data);
}
sub put {
  my ($path, $text) = @_;
  open(my $file, '>', $path) or fail("open $path");
  syswrite($file, $text) or fail("write $path");
  close($file) or fail("write $path");
}
sub have { my ($dir) = @_; -d $dir or mkdir($dir, 0755) or fail("make $dir"); }

for my $dir (qw(dev proc sys run)) {
  if (-l "$image/$dir") { print STDERR "shut-in: /$dir of the image is a link\n"; exit 125 }
  have("$image/$dir");
}

# 1. Mounts of its own, of which nothing comes back out.
call('unshare mounts', 272, 0x20000);
call('make mounts private', 165, 'none', '/', 'none', 0x4000 | 0x40000, 0);
mounted('tmpfs', $stage, $NOSUID | $NODEV | $NOEXEC, 'mode=0700,size=1m');

# 2. Bounds of memory and processes for all of it together.
sub bounded {
  my $dir = "$stage/groups";
  have($dir);
  if (kernel(165, 'cgroup2', $dir, 'cgroup2', $NOSUID | $NODEV | $NOEXEC, 0) == 0) {
    open(my $file, '<', "$dir/cgroup.controllers") or fail('read the controllers');
    my $controllers = ' ' . (<$file> // '');
    if ($controllers =~ / memory\b/ and $controllers =~ / pids\b/) {
      put("$dir/cgroup.subtree_control", '+memory +pids');
      return group($dir, 'memory.max', 'pids.max');
    }
    close($file);
    call('leave the groups', 166, $dir, $DETACH);
  }
  # The controllers are in the hierarchies of before.
  return map {
    have("$stage/$_");
    call("mount group $_", 165, 'cgroup', "$stage/$_", 'cgroup', $NOSUID | $NODEV | $NOEXEC, $_);
    group("$stage/$_", $_ eq 'memory' ? 'memory.limit_in_bytes' : 'pids.max')
  } qw(memory pids);
}
sub group {
  my ($dir, @limits) = @_;
  my $group = "$dir/ferric-image-$$";
  # One that an earlier process of this number left, killed at the end of its time, is empty.
  have($group);
  put("$group/$_", $_ =~ /memory/ ? $memory : 256) for @limits;
  return $group;
}
my @groups = bounded();

# 3. Accounts: root of the image is nobody outside, and makes no further rooms of this kind.
pipe(my $ready, my $tell) and pipe(my $wait, my $go) or fail('pipe');
my $holder = fork() // fail('fork');
if ($holder == 0) {
  call('unshare accounts', 272, 0x10000000);
  put('/proc/sys/user/max_user_namespaces', "0\n");
  syswrite($tell, 'x');
  sysread($wait, my $answer, 1);
  exit 0;
}
close($tell);
sysread($ready, my $told, 1) or do { waitpid($holder, 0); exit 125 };
put("/proc/$holder/uid_map", "0 $base $count\n");
put("/proc/$holder/gid_map", "0 $base $count\n");
open(my $accounts, '<', "/proc/$holder/ns/user") or fail('open the accounts');
syswrite($go, 'x');
waitpid($holder, 0);

# 4. The image, with its accounts mapped. The copy is not attached anywhere yet, as the kernel wants it for this.
my $new = "$stage/new";
have($new);
my $tree = call('copy the mount', 428, $HERE, $image, 1 | 0x80000 | 0x8000);
# Outside nothing of it may be started; in here it may.
my $attributes = pack('QQQQ', 0x100000 | $NOSUID | $NODEV, $NOEXEC, 0, fileno($accounts));
call('map the accounts of the image', 442, $tree, '', 0x1000 | 0x8000, $attributes, 32);
call('attach the image', 429, $tree, '', $HERE, $new, 4);

# 5. Devices: only those that it is shown. It owns none of them, so that it cannot change who may do what.
mounted('tmpfs', "$new/dev", $NOSUID | $NOEXEC, 'mode=0755,size=1m');
have("$new/dev/disk");
have("$new/dev/disk/by-uuid");
sub node {
  my ($path, $kind, $mode, $rdev) = @_;
  call("make $path", 133, "$new$path", $kind | $mode, $rdev);
  chmod($mode, "$new$path") or fail("chmod $path");
}
for my $name (qw(null zero full random urandom)) { node("/dev/$name", 0020000, 0666, (stat("/dev/$name"))[6]); }
symlink('/proc/self/fd', "$new/dev/fd") or fail('link /dev/fd');
while (($_ = shift @ARGV) ne '--') {
  my ($path, $mode, $uuid) = split(/=/, $_, 3);
  my @facts = stat($path) or fail("look at $path");
  my $dir = '';
  for my $part (split(m{/}, $path =~ s{^/|/[^/]*$}{}gr)) { have($new . ($dir .= "/$part")); }
  node($path, 0060000, oct($mode), $facts[6]);
  chown(0, $base, "$new$path") or fail("chown $path");
  # grub-mkconfig writes root=UUID= only where it sees this link.
  symlink('../../' . substr($path, 5), "$new/dev/disk/by-uuid/$uuid") or fail('link') if $uuid ne '';
}
call('close the devices', 165, 'none', "$new/dev", 'none', $REMOUNT | $BIND | $RDONLY | $NOSUID | $NOEXEC, 0);

# 6. No network, no process but its own, no shared memory, no host name.
call('unshare the rest', 272, 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000);
my $first = fork() // fail('fork');
if ($first != 0) {
  waitpid($first, 0);
  my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  rmdir($_) for @groups;
  exit $status;
}
# From here on process 1 of its own room. Whatever ends it ends everything inside.
call('die with the parent', 157, 1, 9, 0, 0, 0);
put("$_/cgroup.procs", '0') for @groups;
call('unshare the groups', 272, 0x02000000);
mounted('proc', "$new/proc", $RDONLY | $NOSUID | $NODEV | $NOEXEC, 'hidepid=invisible,subset=pid');
mounted('sysfs', "$new/sys", $RDONLY | $NOSUID | $NODEV | $NOEXEC, 0);
mounted('tmpfs', "$new/run", $RDONLY | $NOSUID | $NODEV | $NOEXEC, 'mode=0755,size=4k');

# 7. A root of its own, and the old one gone.
sub turned {
  chdir($_[0]) or fail("enter $_[0]");
  return 0 if kernel(155, '.', '.') == -1;
  call('detach the old root', 166, '.', $DETACH);
  chdir('/') or fail('enter /');
  return 1;
}
if (!turned($new)) {
  # A first root file system cannot be left (pivot_root(2), NOTES): all that is mounted on it is detached, and the
  # folder here becomes a root that can be.
  open(my $mounts, '<', '/proc/self/mountinfo') or fail('read the mounts');
  my @points = map { (split(/ /))[4] } <$mounts>;
  my $bare = '/shut-in';
  have($bare);
  call('move the folder', 165, $stage, $bare, 'none', $MOVE, 0);
  for my $point (reverse(@points)) {
    next if $point eq '/' or index("$point/", "$stage/") == 0;
    kernel(166, $point, $DETACH);
  }
  chdir($bare) or fail("enter $bare");
  call('cover the root', 165, '.', '/', 'none', $MOVE, 0);
  call('enter the cover', 161, '.');
  chdir('/') or fail('enter /');
  turned('/new') or fail('leave the root');
}

# 8. The program: no account, no power, no way to either, and nothing open but its output.
my $child = fork() // fail('fork');
if ($child != 0) {
  call('hide', 157, 4, 0, 0, 0, 0);
  call('close', 436, 0, 0xffffffff, 0);
  while ((my $ended = wait()) != -1) {
    if ($ended == $child) { exit($? & 127 ? 128 + ($? & 127) : $? >> 8); }
  }
  exit 125;
}
call('become nobody', 308, fileno($accounts), 0x10000000);
call('leave the groups', 116, 0, 0);
call('take the group', 119, 0, 0, 0);
call('take the user', 117, 0, 0, 0);
call('own session', 112);
call('own keys', 250, 1, 0);
for my $cap (0 .. 63) { last if kernel(157, 24, $cap, 0, 0, 0) == -1; }
call('no ambient power', 157, 47, 4, 0, 0, 0);
call('no power by being root', 157, 28, 0x2f | 0xc0, 0, 0, 0);
my ($header, $none) = (pack('LL', 0x20080522, 0), pack('L6', 0, 0, 0, 0, 0, 0));
call('no power', 126, $header, $none);
call('no new power', 157, 38, 1, 0, 0, 0);
# Address space, processor, file, core, locked memory, processes, files, queues.
my @limits = ([9, 2 ** 31], [0, $seconds], [1, 2 ** 30], [4, 0], [8, 0], [6, 256], [7, 1024], [12, 0]);
for my $limit (@limits) {
  my $pair = pack('QQ', $$limit[1], $$limit[1]);
  call('limits', 302, 0, $$limit[0], $pair, 0);
}
call('close', 436, 3, 0xffffffff, 0);
umask(022);
%ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C.UTF-8', HOME => '/root');

# 9. Calls of the kernel that no installer needs: each is a way that somebody came out by (seccomp(2)).
my ($ALLOW, $KILL, $REFUSE) = (0x7fff0000, 0x80000000, 0x00050000);
my ($LOAD, $EQUAL, $ATLEAST, $ANY, $RETURN) = (0x20, 0x15, 0x35, 0x45, 0x06);
sub line { return pack('SCCL', @_) }
my ($EPERM, $ENOSYS, $EAFNOSUPPORT) = ($REFUSE | 1, $REFUSE | 38, $REFUSE | 97);
my @refused = (
  101, 310, 311, 312, 434, 438, 440,                               # other processes: ptrace, process_vm_*, kcmp, pidfd_*
  155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442, # roots, mounts, rooms
  175, 176, 313, 246, 320, 169, 167, 168,                          # modules, kexec, reboot, swap
  103, 163, 159, 164, 227, 305, 170, 171, 172, 173, 153,           # log, accounting, clocks, names, ports, terminals
  298, 321, 323, 425, 426, 427, 447,                               # perf, bpf, userfaultfd, io_uring, memfd_secret
  248, 249, 250,                                                   # keys
  303, 304, 300, 179, 443, 206, 209,                               # file handles, fanotify, quotas, old asynchronous I/O
);
my $filter = line($LOAD, 0, 0, 4) . line($EQUAL, 1, 0, 0xc000003e) . line($RETURN, 0, 0, $KILL);
$filter .= line($LOAD, 0, 0, 0) . line($ATLEAST, 0, 1, 0x40000000) . line($RETURN, 0, 0, $KILL);
$filter .= line($EQUAL, 0, 1, $_) . line($RETURN, 0, 0, $EPERM) for @refused;
# clone3 hides its flags in memory; the C library goes back to clone, whose flags must name no room.
$filter .= line($EQUAL, 0, 1, 435) . line($RETURN, 0, 0, $ENOSYS);
$filter .= line($EQUAL, 0, 4, 56) . line($LOAD, 0, 0, 16) . line($ANY, 0, 1, 0x7e020080);
$filter .= line($RETURN, 0, 0, $EPERM) . line($RETURN, 0, 0, $ALLOW);
# Sockets: of its own processes only; others know no network room (vsock), or reach drivers.
$filter .= line($EQUAL, 0, 4, 41) . line($LOAD, 0, 0, 16) . line($EQUAL, 1, 0, 1);
$filter .= line($RETURN, 0, 0, $EAFNOSUPPORT) . line($RETURN, 0, 0, $ALLOW);
# ioctl: no words put into a terminal (TIOCSTI, TIOCLINUX).
$filter .= line($EQUAL, 0, 5, 16) . line($LOAD, 0, 0, 24) . line($EQUAL, 1, 0, 0x5412) . line($EQUAL, 0, 1, 0x541c);
$filter .= line($RETURN, 0, 0, $EPERM) . line($RETURN, 0, 0, $ALLOW);
$filter .= line($RETURN, 0, 0, $ALLOW);
my $program = pack('Sx6P', length($filter) / 8, $filter);
call('filter', 317, 1, 0, $program);
exec { $ARGV[0] } @ARGV or fail("start $ARGV[0]");
`;
