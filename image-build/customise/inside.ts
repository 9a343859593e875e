/**
 * Shell program that `unshare` runs as the first process of a mount and a process namespace of its own: its mounts and
 * processes end with it. It mounts a new /dev in the image: a script that grows /dev/sda1, as scripts for
 * virt-customize do, must find the image's disk there and never this machine's.
 *
 * $1: file for what `list` finds; $2: directory to mount at; $3: customise, grow, trim or list; $4: the disk; the rest:
 * its partitions (or nothing, when the disk is one file system), `--`, and for customise what to do: `run FILE`, `put
 * FILE DIRECTORY`.
 */
export const INSIDE = String.raw`set -eu
output=$1 root=$2 mode=$3 disk=$4
shift 4
partitions=
while [ $# -gt 0 ] && [ "$1" != -- ]; do partitions="$partitions $1"; shift; done
if [ $# -gt 0 ]; then shift; fi
mount --make-rprivate /

found=
for candidate in $(if [ -n "$partitions" ]; then echo $partitions; else echo "$disk"; fi); do
  kind=$(blkid -p -o value -s TYPE "$candidate" || true)
  case "$kind" in ext2|ext3|ext4|xfs|btrfs) ;; *) continue ;; esac
  case "$mode,$kind" in list,ext2) with=ro ;; list,ext*) with=ro,noload ;; list,xfs) with=ro,norecovery ;; list,*) with=ro ;; *) with=rw ;; esac
  # Kernels without an own driver for ext2 and ext3 mount them by ext4's; one that cannot be mounted may be another's.
  why=$(mount -t "$kind" -o "$with" "$candidate" "$root" 2>&1) ||
    { case "$kind" in ext2|ext3) why=$(mount -t ext4 -o "$with" "$candidate" "$root" 2>&1) ;; *) false ;; esac; } ||
    { echo "$candidate ($kind) cannot be mounted: $why" >&2; continue; }
  if [ -e "$root/etc/fstab" ] || [ -e "$root/etc/os-release" ] || [ -x "$root/bin/sh" ]; then found=$candidate; break; fi
  umount "$root"
done
if [ -z "$found" ]; then
  echo "no partition of the image holds a Linux system that this kernel can mount" >&2
  exit 66
fi

if [ "$mode" = list ]; then
  cd "$root"
  find . -xdev -printf '%y %m %s %P\n' | sed 's/^f /- /' |
    awk '{ kind = $1; mode = $2; size = $3; sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); gsub(/"/, "\"\""); if ($0 ~ /[",]/) $0 = "\"/" $0 "\""; else $0 = "/" $0;
           printf "%s,%04d,%s,%s\n", kind, mode, size, $0 }' > "$output"
  exit 0
fi

# Other file systems of it that belong under the root, such as /boot. Firmware's own (vfat) are left alone.
if [ -n "$partitions" ] && [ -e "$root/etc/fstab" ]; then
  while read -r what where kind _; do
    case "$what" in ''|'#'*) continue ;; esac
    case "$where" in /boot|/usr|/var|/home|/opt|/srv) ;; *) continue ;; esac
    case "$what" in
      UUID=*|LABEL=*|PARTUUID=*) device=$(blkid -l -o device -t "$what" $partitions || true) ;;
      *) device= ;;
    esac
    if [ -z "$device" ]; then echo "$where of the image's fstab is on $what, which is not in it" >&2; exit 66; fi
    mount "$device" "$root$where"
  done < "$root/etc/fstab"
fi

if [ "$mode" = grow ]; then
  case "$(findmnt -fno FSTYPE "$root")" in
    ext*)
      # Not while it is mounted: for that the kernel wants a right that containers lack.
      umount "$root"
      e2fsck -fp "$found" || test $? -le 1
      resize2fs "$found"
      exit 0 ;;
    xfs) xfs_growfs "$root" ;;
    btrfs) btrfs filesystem resize max "$root" ;;
  esac
fi
if [ "$mode" = trim ]; then fstrim --verbose "$root"; fi
if [ "$mode" != customise ]; then umount --recursive "$root"; exit 0; fi

mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run"
mount -t tmpfs -o mode=755,size=4m dev "$root/dev"
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/$(echo $node | cut -d: -f1)" c 1 "$(echo $node | cut -d: -f2)"; done
mknod -m 666 "$root/dev/tty" c 5 0
ln -s /proc/self/fd "$root/dev/fd"
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/$(echo $number | cut -d: -f1)" "$root/dev/$(echo $number | cut -d: -f2)"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
# As virt-customize shows them.
for device in "$disk" $partitions; do
  mknod -m 660 "$root/dev/sda$(echo "$device" | sed -n 's/.*loop[0-9]*p\([0-9]*\)$/\1/p')" b $(stat -c '0x%t 0x%T' "$device")
  if [ "$device" = "$found" ]; then mknod -m 660 "$root/dev/$(basename "$device")" b $(stat -c '0x%t 0x%T' "$device"); fi
done
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs run "$root/run"

kept=
if [ -e "$root/etc/resolv.conf" ] || [ -L "$root/etc/resolv.conf" ]; then
  kept=$root/etc/resolv.conf.ferric
  mv -T "$root/etc/resolv.conf" "$kept"
fi
mkdir -p "$root/etc"
if [ -e /etc/resolv.conf ]; then cp /etc/resolv.conf "$root/etc/resolv.conf"; fi

while [ $# -gt 0 ]; do
  case "$1" in
    run)
      cp "$2" "$root/.ferric-script"
      chmod 700 "$root/.ferric-script"
      # Without a first line that says otherwise it is sh's, as with virt-customize.
      status=0
      chroot "$root" /bin/sh -c 'cd / && exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 /bin/sh -c /.ferric-script' || status=$?
      rm -f "$root/.ferric-script"
      if [ $status -ne 0 ]; then echo "$(basename "$2"): exit status $status" >&2; exit $status; fi
      shift 2 ;;
    put)
      mkdir -p "$root$3"
      cp --sparse=always --preserve=mode "$2" "$root$3/"
      shift 3 ;;
  esac
done

# Services that a package started would keep the file systems busy.
kill -KILL -1 2>/dev/null || true
rm -f "$root/etc/resolv.conf"
if [ -n "$kept" ]; then mv -T "$kept" "$root/etc/resolv.conf"; fi
umount --recursive "$root"
`;
