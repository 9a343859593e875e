import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * A build file for a Debian base image. Its scripts are Ferric's defaults, except the repositories and a smaller swap
 * file. disk-image-builder's elements make a system from the image that the manifest names.
 */
const FILES: Readonly<Record<string, string>> = {
  'build.yml': `artib_base_os: debian
artib_release: liberty
artib_build_system: archive
artib_minimal_base_image_url: "file://{{ jenkins_workspace }}/base.qcow2"
artib_working_dir: "{{ jenkins_workspace }}/oooq-images"
artib_overcloud_packages: [tree]
artib_undercloud_disk_size: 3
artib_undercloud_remove_packages: [nano]
artib_undercloud_install_packages: [pv]
artib_swapfile_script: swap.sh
artib_image_yaml_template: manifest.yml.j2
artib_dib_elements_path: ["{{ jenkins_workspace }}/elements"]
artib_vc_ram: 1024
artib_vc_cpu: 2
artib_publish_dest_basepath: "{{ jenkins_workspace }}/published"
artib_publish_create_dest_via_ssh: true
publish: true
`,
  'scripts/repo-debian-archive.sh.j2': `#!/bin/sh
# For {{ artib_release }}: one archive, and its lists.
set -eux
echo 'deb http://deb.debian.org/debian bookworm main' > /etc/apt/sources.list
apt-get -q update
`,
  'scripts/swap.sh': `#!/bin/sh
set -eux
dd if=/dev/zero of=/swapfile bs=1M count=64
chmod 600 /swapfile
mkswap /swapfile
echo '/swapfile swap swap defaults 0 0' >> /etc/fstab
`,
  'templates/manifest.yml.j2': `disk_images:
  - imagename: ironic-python-agent
    distro: local-image
    type: raw
    imageext: initramfs
    skip_base: true
    elements: [packed-ramdisk]
    options: ["--no-tmpfs"]
    environment:
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/minimal-base.qcow2"
      ELEMENTS_PATH: "{{ artib_dib_elements_path | join(':') }}"
  - imagename: overcloud-full
    distro: local-image
    type: qcow2
    skip_base: true
    elements: [baremetal]
    options: ["--no-tmpfs"]
    environment:
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/overcloud-base.qcow2"
      ELEMENTS_PATH: "{{ artib_dib_elements_path | join(':') }}"
`,
  'elements/local-image/element-provides': 'operating-system\n',
  'elements/local-image/environment.d/10-distro': 'export DISTRO_NAME=debian\nexport DIB_RELEASE=bookworm\n',
  // Its largest partition, read by debugfs without a mount.
  'elements/local-image/root.d/10-local-image': `#!/bin/bash
set -eux
set -o pipefail
raw=$TMP_BUILD_DIR/local.raw
qemu-img convert -O raw "$DIB_LOCAL_IMAGE" "$raw"
start=$(sfdisk --dump "$raw" | sed -n 's/.*start= *\\([0-9]*\\), size= *\\([0-9]*\\).*/\\2 \\1/p' | sort -n | tail -1 | cut -d' ' -f2)
sudo debugfs -R "rdump / $TARGET_ROOT" "$raw?offset=$((start * 512))"
rm "$raw"
`,
  // As by ironic-python-agent-builder, the ramdisk contains the whole system.
  'elements/packed-ramdisk/cleanup.d/99-pack': `#!/bin/bash
set -eux
set -o pipefail
source $_LIB/img-functions
select_boot_kernel_initrd $TARGET_ROOT
sudo cp $BOOTDIR/$KERNEL $IMAGE_NAME.kernel
sudo ln -sf sbin/init $TARGET_ROOT/init
sudo truncate --size=0 $TARGET_ROOT/etc/fstab
(cd $TARGET_ROOT && sudo find . -xdev -not -path './boot/*' -not -path './tmp/*' -not -path './var/cache/apt/*' | sudo cpio --quiet -o -H newc | gzip -1) > $IMAGE_NAME.initramfs
`,
};

/** Writes the configuration and all files that it refers to. @returns the path of the configuration */
export async function writeDebianConfig(directory: string): Promise<string> {
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
  return join(directory, 'build.yml');
}
