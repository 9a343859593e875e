#!/usr/bin/env bash
# Installs missing packages on Debian 12 and its derivatives. Elsewhere it prints what is missing and exits 1.
# Usage: scripts/install-dependencies.sh GROUP...     groups: build runtime pxe lab client test peer interop bench images
set -euo pipefail

# Names of Debian packages. docker/Dockerfile must install the same RUNTIME packages (a unit test compares them).
BUILD=(ca-certificates make)
# Programs that the daemon calls: ipmitool; qemu-img; the first boot files; prlimit and setpriv of util-linux.
RUNTIME=(ipmitool qemu-utils ipxe util-linux)
# First boot files of the boot interfaces `pxe` and `redfish-virtual-media`: BIOS, and UEFI with Secure Boot.
PXE=(pxelinux isolinux syslinux-common grub-efi-amd64-signed shim-signed)
# Virtual machines, their network, the images and deploy ramdisks they boot.
LAB=(qemu-system-x86 ovmf seabios ipxe-qemu iproute2 socat mmdebstrap mtools dosfstools e2fsprogs fdisk gdisk
  cpio zstd kmod binutils tar squashfs-tools dpkg-dev)
# Clients that an operator inspects the daemon with.
CLIENT=(curl openssh-client python3 python3-ironicclient python3-openstackclient)
# Independent clients and readers that the tests check Ferric against.
TEST=(curl openipmi python3-pyghmi atftp tftp-hpa udhcpc isc-dhcp-client isc-dhcp-relay dnsmasq-base python3 python3-ironicclient glance-api
  genisoimage tinyproxy libarchive-tools udev gcc libc6-dev procps openssl libvirt-clients python3-openstacksdk python3-nova
  python3-diskimage-builder python3-jinja2 kpartx sudo openssh-client openssh-server chromium
  xorriso isolinux python3-sushy redfishtool
  grub-common grub-efi-amd64-bin golang-github-gophercloud-gophercloud-dev prometheus)
# Debian's Ironic, and its Keystone: the peers that our agent, our API and our client are tested against.
PEER=(ironic-api ironic-conductor python3-keystone python3-ironicclient python3-openstackclient python3-psycopg2
  ipmitool)
# Servers of the network boot of Debian's Ironic.
INTEROP=(dnsmasq-base nginx-light)
# Builders of images besides the lab's tools: disk-image-builder, and libguestfs with the kernel of its appliance.
IMAGES=(python3-diskimage-builder debootstrap sudo procps openssl libguestfs-tools linux-image-cloud-amd64
  initramfs-tools libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu)
# The servers that the benchmark measures beside ours.
BENCH=(tftpd-hpa atftp dnsmasq-base nginx-light wrk curl python3-diskimage-builder debootstrap sudo openssl)

# Max age of apt's lists: they are read when a ramdisk or image is made from packages, and old ones may name deleted
# files.
MAX_LIST_AGE_DAYS=3

say() { printf 'install-dependencies: %s\n' "$*" >&2; }

usage() {
  say "usage: $0 GROUP...   (build runtime pxe lab client test peer interop bench images)"
  exit 2
}

[ $# -gt 0 ] || usage
wanted=()
needs_lists=no
for group in "$@"; do
  case "$group" in
    build) wanted+=("${BUILD[@]}") ;;
    runtime) wanted+=("${RUNTIME[@]}") ;;
    pxe) wanted+=("${PXE[@]}") ;;
    lab)
      wanted+=("${LAB[@]}")
      needs_lists=yes
      ;;
    client) wanted+=("${CLIENT[@]}") ;;
    test) wanted+=("${TEST[@]}") ;;
    peer) wanted+=("${PEER[@]}") ;;
    interop) wanted+=("${INTEROP[@]}") ;;
    images)
      wanted+=("${IMAGES[@]}")
      needs_lists=yes
      ;;
    bench) wanted+=("${BENCH[@]}") ;;
    *) usage ;;
  esac
done

# npm installs the Node.js that Ferric runs on (see docs/adr); any npm of version 9 or newer will do.
if ! command -v npm >/dev/null 2>&1; then
  # Debian's npm needs Debian's nodejs; a newer nodejs is expected to bring its own npm.
  wanted+=(nodejs npm)
fi

is_debian() {
  [ -r /etc/os-release ] || return 1
  # shellcheck disable=SC1091
  (. /etc/os-release && [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* ]]) && command -v apt-get >/dev/null 2>&1
}

if ! is_debian; then
  say "this is not Debian or a derivative with apt. Ferric needs what these Debian packages hold; install them by hand:"
  printf '  %s\n' "${wanted[@]}" | sort -u >&2
  exit 1
fi

# Packages of the list that are not installed.
missing_packages() {
  local have
  # dpkg-query fails for names that it does not know; such names count as missing.
  have=" $(dpkg-query -W -f '${db:Status-Status}/${Package} ' "${wanted[@]}" 2>/dev/null || true) "
  local name
  for name in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    [[ "$have" == *" installed/$name "* ]] || printf '%s\n' "$name"
  done
}

lists_are_fresh() {
  # Every apt-get update writes this folder, also one that found nothing new.
  [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit 2>/dev/null)" ] &&
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name partial -mtime "-$MAX_LIST_AGE_DAYS" -print -quit)" ]
}

mapfile -t missing < <(missing_packages)
update=no
if [ ${#missing[@]} -gt 0 ] || [ "$needs_lists" = yes ]; then
  lists_are_fresh || update=yes
fi
if [ ${#missing[@]} -eq 0 ] && [ "$update" = no ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    say "not root and no sudo; as root run: apt-get install ${missing[*]:-}"
    exit 1
  }
  as_root=(sudo)
fi
options=(-q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
# A CI machine is discarded: no need to flush the disk after each of several hundred packages.
[ -z "${CI:-}" ] || options+=(-o DPkg::Options::=--force-unsafe-io)
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" "$@" </dev/null
}

# Packages such as glance-api and tftpd-hpa start their service; exit status 101 of policy-rc.d forbids it
# (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
restore_policy() {
  if [ "${policy_state:-}" = replaced ]; then
    "${as_root[@]}" mv "$policy.before-ferric" "$policy"
  elif [ "${policy_state:-}" = added ]; then
    "${as_root[@]}" rm -f "$policy"
  fi
}
forbid_services() {
  trap restore_policy EXIT
  if [ -e "$policy" ]; then
    "${as_root[@]}" mv "$policy" "$policy.before-ferric"
    policy_state=replaced
  else
    policy_state=added
  fi
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}

if [ "$update" = yes ]; then
  say "reading the package lists"
  apt update
fi
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  forbid_services
  apt install -y --no-install-recommends "${missing[@]}" || {
    # The archive may have replaced files that the lists name.
    say "again, with new package lists"
    apt update
    apt install -y --no-install-recommends "${missing[@]}"
  }
fi
