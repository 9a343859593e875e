import { GENERATED, type Page, table } from './page.js';

/** A command line known from the documentation of Ironic and TripleO, and Ferric's counterpart. */
interface Row {
  /** Command lines, or the task where there is no command. */
  known: string;
  answer: string;
  /** Tests that show it works. */
  tests: readonly string[];
}

const USER_IMAGE = 'test/e2e/image-build/user-image.spec.ts';
const DIB = 'test/images/disk-image-builder.spec.ts';
const GUESTFS = 'test/images/guestfs.spec.ts';
const CHOICE = 'test/unit/image-build/choose-backend.spec.ts';
const SERVICE = 'test/contract/image-service.spec.ts';
const PIPELINE = 'test/component/image-build/pipeline/pipeline.spec.ts';
const ELEVEN = 'test/images/pipeline.spec.ts';

const CHAPTERS: Readonly<Record<string, readonly Row[]>> = {
  'User images': [
    {
      known: '`pip install diskimage-builder`',
      answer:
        '`scripts/install-dependencies.sh images`: Debian’s package. The backend `direct` needs none; what a backend lacks is named',
      tests: [CHOICE],
    },
    {
      known: '`disk-image-create ubuntu baremetal dhcp-all-interfaces grub2 -o my-image`',
      answer:
        '`ferric image build user --type partition --element dhcp-all-interfaces grub2 -o my-image` (Debian): `my-image.qcow2`, `.vmlinuz`, `.initrd`; by disk-image-builder with `--backend dib`',
      tests: [USER_IMAGE, DIB],
    },
    {
      known: '`disk-image-create ubuntu vm dhcp-all-interfaces -o my-image`',
      answer:
        '`ferric image build user --type whole-disk --element dhcp-all-interfaces -o my-image`: `my-image.qcow2`',
      tests: [USER_IMAGE],
    },
    {
      known: '`disk-image-create ubuntu vm block-device-efi dhcp-all-interfaces -o my-image`',
      answer:
        'the same with `--efi`; Debian’s whole disks boot by BIOS and by UEFI, those that `--backend dib` fills too',
      tests: [USER_IMAGE, DIB],
    },
    {
      known: '“replace `ubuntu` with `fedora`”',
      answer:
        '`--distro ubuntu`, `--distro fedora`, …: by disk-image-builder, where the distribution’s source can be reached; else status 5 and the address that was tried',
      tests: [CHOICE, 'test/component/image-build/source-refusal.spec.ts'],
    },
    {
      known: '`virt-install --name centos8 --ram 4096 --vcpus=2 -f centos8.qcow2 --cdrom …iso`',
      answer:
        'stays virt-install’s; then, when the machine is shut down, `ferric image import-vm --domain centos8` or `import-vm centos8.qcow2`',
      tests: ['test/contract/cli/image-api.spec.ts'],
    },
  ],
  'Deploy images': [
    {
      known: '“build or download the deploy images”',
      answer: '`ferric image build deploy -o NAME`: `NAME.kernel`, `NAME.initramfs`, with Ferric’s own agent',
      tests: ['test/e2e/agent/ramdisk.spec.ts'],
    },
    {
      known: '`disk-image-create -o NAME ironic-python-agent-ramdisk DISTRO`',
      answer:
        '`ferric image build deploy --agent ironic -o NAME`, where the element and its three sources can be had; each that can’t be is named. Any ramdisk that was made so elsewhere deploys',
      tests: ['test/component/image-build/ironic-agent.spec.ts', 'test/interop/upstream-agent.spec.ts'],
    },
  ],
  'Images in the Image service': [
    {
      known:
        '`openstack image create my-kernel --public --disk-format aki --container-format aki --file my-image.vmlinuz`',
      answer: 'as it stands, with `OS_AUTH_TYPE=none` and the daemon’s address',
      tests: [SERVICE],
    },
    {
      known:
        '`openstack image create my-image.initrd --public --disk-format ari --container-format ari --file my-image.initrd`',
      answer: 'as it stands',
      tests: [SERVICE],
    },
    {
      known:
        '`openstack image create my-image --public --disk-format qcow2 --container-format bare --property kernel_id=… --property ramdisk_id=… --file my-image.qcow2`',
      answer: 'as it stands',
      tests: [SERVICE],
    },
    {
      known:
        '`openstack image create my-whole-disk-image --public --disk-format qcow2 --container-format bare --file my-whole-disk-image.qcow2`',
      answer: 'as it stands',
      tests: [SERVICE],
    },
    {
      known:
        '`openstack image create deploy-vmlinuz …`, `openstack image create deploy-initrd …` of the deploy pair',
      answer: 'as they stand',
      tests: [SERVICE],
    },
  ],
  'Images by URL': [
    {
      known: '`md5sum image.qcow2`, `sha256sum image.qcow2`',
      answer:
        'every build writes `NAME.sha256`; `ferric image inspect` shows MD5, SHA-256 and SHA-512; `image_checksum` takes a digest, `algorithm:digest` or a URL of sums',
      tests: ['test/component/image-build/inspect.spec.ts', 'test/unit/domain/image/checksum.spec.ts'],
    },
    {
      known: '“`Last-Modified` greater than the cached image’s time: downloaded again”',
      answer: 'so it is; `file://` by its modification time; without the header each time',
      tests: ['test/component/image/http.spec.ts', 'test/component/image/file.spec.ts'],
    },
    {
      known:
        '`baremetal node create --driver ipmi --driver-info deploy_kernel=file://… --driver-info deploy_ramdisk=http://…`',
      answer: 'as it stands',
      tests: ['test/contract/ironicclient.spec.ts', 'test/e2e/deploy.spec.ts'],
    },
    {
      known: '`baremetal port create $MAC_ADDRESS --node $NODE_UUID`',
      answer: 'as it stands',
      tests: ['test/contract/ironicclient.spec.ts'],
    },
  ],
  'Custom images by a build file': [
    {
      known: 'the sample file of `artib_*` keys',
      answer:
        '`ferric image pipeline plan FILE`: the eleven steps, what each reads and makes, what is missing',
      tests: [
        'test/unit/image-build/pipeline/plan.spec.ts',
        'test/unit/image-build/pipeline/configuration.spec.ts',
      ],
    },
    {
      known:
        'the image build playbook: base image, repositories, packages, undercloud, disk-image-builder, inject, archive',
      answer:
        '`ferric image pipeline run FILE`; `--step`, `--from`; [step by step](../how-to/image-pipeline.md)',
      tests: [ELEVEN, PIPELINE],
    },
    {
      known: '`virt-customize`, `virt-resize`, `virt-sparsify` that it calls',
      answer: '`--backend guestfs` calls the same; `--backend loop` does it by this machine’s kernel',
      tests: [ELEVEN, GUESTFS, PIPELINE],
    },
    {
      known: '“published to the final directory that is specified on the job”',
      answer: 'a directory, another machine by SSH, or the Image service; sums checked there',
      tests: [PIPELINE],
    },
  ],
};

function render(): string {
  const parts = Object.entries(CHAPTERS).map(([chapter, rows]) => {
    const cells = rows.map(({ known, answer, tests }) => [
      known,
      answer,
      tests.map((test) => `[${test.replace(/^test\//, '')}](../../${test})`).join(', '),
    ]);
    return `## ${chapter}\n\n${table(['Known as', 'Here', 'Shown by'], cells)}\n`;
  });
  return `# Commands for images

${GENERATED}

Every command line about images in the documentation that people come with (Ironic’s on user images, the Image service
and images by URL; TripleO’s on custom images), and what answers it. Tests below \`images/\` and \`interop/\` run by
\`make test-images\` and \`make test-interop\`, all others by \`make test\`.

${parts.join('\n')}`;
}

export const imageCommands: Page = {
  path: 'docs/reference/image-commands.md',
  render,
};
