import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A pipeline with fast scripts as files beside it, including disk-image-builder with an element for a system. */
const FILES: Readonly<Record<string, string>> = {
  'build.yml': `artib_base_os: small-os
artib_release: liberty
artib_build_system: files
artib_minimal_base_image_url: "file://{{ jenkins_workspace }}/small-base.qcow2"
artib_working_dir: "{{ jenkins_workspace }}/out"
artib_package_install_script: packages.sh.j2
artib_overcloud_packages: [alpha, beta]
artib_undercloud_convert_script: convert.sh
artib_undercloud_disk_size: 1
artib_dib_prepare_script: prepare.sh
artib_dib_workaround_script: workaround.sh
artib_swapfile_script: swap.sh
artib_image_yaml_template: manifest.yml.j2
artib_overcloud_images: [overcloud-full.qcow2]
artib_publish_artifacts: [undercloud.qcow2, undercloud.qcow2.md5, overcloud-full.tar, artib-logs.tar.gz]
artib_dib_elements_path: ["{{ jenkins_workspace }}/elements"]
undercloud_image_url: "file://{{ jenkins_workspace }}/out/undercloud.qcow2"
`,
  'scripts/repo-small-os-files.sh.j2': '#!/bin/sh\nset -eux\necho {{ artib_release }} > /etc/repositories\n',
  'scripts/packages.sh.j2':
    "set -eux\ngrep liberty /etc/repositories\nfor name in {{ artib_overcloud_packages | join(' ') }}; do echo $name >> /etc/packages; done\n",
  'scripts/convert.sh':
    '#!/bin/sh\nset -eux\ngrep beta /etc/packages\ntest -b /dev/sda1\nmkdir -p /home/stack\necho undercloud > /etc/hostname\n',
  'scripts/prepare.sh': '#!/bin/sh\nset -eu\ncommand -v disk-image-create\ntouch prepared\n',
  'scripts/workaround.sh': 'echo fixed > /etc/workaround\n',
  'scripts/swap.sh':
    '#!/bin/sh\nset -eux\ndd if=/dev/zero of=/swapfile bs=1M count=4\nchmod 600 /swapfile\necho /swapfile swap swap defaults 0 0 >> /etc/fstab\n',
  'templates/manifest.yml.j2': `disk_images:
  - imagename: overcloud-full
    distro: {{ artib_base_os }}
    type: qcow2
    skip_base: true
    options: ["--no-tmpfs --image-size=1", "--mkfs-options '-i 16384'"]
    environment:
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/overcloud-base.qcow2"
      ELEMENTS_PATH: "{{ artib_dib_elements_path | join(':') }}"
`,
  'elements/small-os/element-provides': 'operating-system\n',
  'elements/small-os/environment.d/10-distro': 'export DISTRO_NAME=small\nexport DIB_RELEASE=1\n',
  // The image that the manifest names becomes the system: debugfs reads its one file system without a mount.
  'elements/small-os/root.d/10-local-image': `#!/bin/bash
set -eux
qemu-img convert -O raw "$DIB_LOCAL_IMAGE" "$TMP_BUILD_DIR/local.raw"
dd if="$TMP_BUILD_DIR/local.raw" of="$TMP_BUILD_DIR/local.ext4" bs=1M skip=1 conv=sparse
sudo debugfs -R "rdump / $TARGET_ROOT" "$TMP_BUILD_DIR/local.ext4"
rm "$TMP_BUILD_DIR"/local.*
`,
};

/** Writes the configuration and all files that it refers to. @returns the path of the configuration */
export async function writeSmallConfig(directory: string): Promise<string> {
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
  return join(directory, 'build.yml');
}
