// The keys of a pipeline's file. Names, defaults and effects: redhat-openstack/ansible-role-tripleo-image-build,
// defaults/main.yml and tasks/ (c54ad10); the unprefixed ones are those of the sample in tripleo-quickstart's page.
import type { StepName } from './step-name.js';

export type KeyKind =
  | 'text'
  | 'boolean'
  /** An integer above zero. */
  | 'number'
  /** A list of texts; empty ones are dropped, since the role's own default list has some. */
  | 'list'
  /** name: value pairs, for templates. */
  | 'map'
  /** An absolute path of a directory. */
  | 'directory'
  /** http(s):// or file:// */
  | 'url'
  /** A template or file: absolute, beside the configuration, or a built-in one. */
  | 'template'
  /** One template, or a list. */
  | 'templates'
  | readonly string[];

export interface Key {
  readonly kind: KeyKind;
  /** Default, as it would be written in the file: a text may refer to other keys. Absent: not set. */
  readonly initial?: unknown;
  /** Steps that read it; empty: the whole run, or none (then `dead`). */
  readonly steps: readonly StepName[];
  readonly does: string;
  /** Reason why it is accepted without effect. */
  readonly dead?: string;
}

const customised: readonly StepName[] = [
  'repositories',
  'packages',
  'undercloud-convert',
  'dib-workaround',
  'undercloud-inject',
];
const nobodyReads = 'nothing in the role reads it';

export const BUILD_MODES = [
  'python_module_tripleo_build_images',
  'tripleo_build_images',
  'openstack_overcloud_image_build',
] as const;

export const KEYS = {
  artib_working_dir: {
    kind: 'directory',
    initial: '/var/lib/oooq-images',
    steps: [],
    does: 'where artefacts, logs and what is needed to go on are kept',
  },
  artib_start_over: {
    kind: 'boolean',
    initial: false,
    steps: [],
    does: 'true: the working directory is emptied before a whole run',
  },
  artib_release: {
    kind: 'text',
    initial: 'mitaka',
    steps: [],
    does: 'for templates; limits artib_overcloud_build_mode',
  },
  artib_base_os: {
    kind: 'text',
    initial: 'centos7',
    steps: [],
    does: 'for templates; part of the name of artib_repo_script',
  },
  artib_build_system: {
    kind: 'text',
    initial: 'delorean',
    steps: [],
    does: 'for templates; part of the name of artib_repo_script',
  },
  artib_delorean_hash: {
    kind: 'text',
    steps: ['repositories'],
    does: 'for templates: which state of the repository',
  },
  artib_minimal_base_image_url: {
    kind: 'url',
    initial: 'https://cloud.centos.org/centos/7/images/CentOS-7-x86_64-GenericCloud.qcow2',
    steps: ['base-image'],
    does: 'the base image; an interrupted transfer is resumed',
  },
  artib_minimal_overwrite_existing: {
    kind: 'boolean',
    initial: false,
    steps: [],
    does: '',
    dead: nobodyReads,
  },
  artib_image_stage_location: { kind: 'text', initial: 'testing', steps: [], does: '', dead: nobodyReads },
  artib_dib_release_rpm: {
    kind: 'text',
    initial: 'http://rdoproject.org/repos/openstack-mitaka/rdo-release-mitaka.rpm',
    steps: [],
    does: '',
    dead: nobodyReads,
  },
  artib_repo_script: {
    kind: 'template',
    initial: 'repo-{{ artib_base_os }}-{{ artib_build_system }}.sh.j2',
    steps: ['repositories'],
    does: 'run in the base image',
  },
  artib_overcloud_base_image_url: {
    kind: 'url',
    initial: 'file://{{ artib_working_dir }}/minimal-base.qcow2',
    steps: ['packages'],
    does: 'what the overcloud base is made of',
  },
  artib_overcloud_overwrite_existing: {
    kind: 'boolean',
    initial: false,
    steps: [],
    does: '',
    dead: 'a step runs when its inputs have changed, and then makes its image anew',
  },
  artib_package_install_script: {
    kind: 'template',
    initial: 'package-install-default.sh.j2',
    steps: ['packages'],
    does: 'run in the overcloud base',
  },
  artib_overcloud_package_list: {
    kind: 'template',
    initial: 'default_package_list.yml',
    steps: ['packages'],
    does: 'a file of variables for templates; it sets artib_overcloud_packages',
  },
  artib_overcloud_packages: {
    kind: 'list',
    steps: ['packages'],
    does: 'for templates; wins over what artib_overcloud_package_list sets',
  },
  artib_undercloud_base_image_url: {
    kind: 'url',
    initial: 'file://{{ artib_working_dir }}/overcloud-base.qcow2',
    steps: ['undercloud-base'],
    does: 'what the undercloud image is made of',
  },
  artib_undercloud_overwrite_existing: {
    kind: 'boolean',
    initial: false,
    steps: [],
    does: '',
    dead: 'a step runs when its inputs have changed, and then makes its image anew',
  },
  artib_undercloud_disk_size: {
    kind: 'number',
    initial: 42n,
    steps: ['undercloud-convert'],
    does: 'GiB of its disk; its only or largest partition takes what is new',
  },
  artib_undercloud_convert_script: {
    kind: 'template',
    initial: 'undercloud-convert-default.sh.j2',
    steps: ['undercloud-convert'],
    does: 'run in the resized undercloud image',
  },
  artib_undercloud_remove_packages: {
    kind: 'list',
    initial: ['cloud-init', 'mariadb-galera-server', 'openstack-sahara*', 'python2-barbicanclient'],
    steps: ['undercloud-convert'],
    does: 'for templates',
  },
  artib_undercloud_install_packages: {
    kind: 'list',
    initial: [
      'mariadb-server',
      'python-tripleoclient',
      'openstack-tempest',
      ...[
        'aodh',
        'ceilometer',
        'heat',
        'ironic',
        'keystone',
        'manila',
        'mistral',
        'neutron',
        'sahara',
        'zaqar',
      ].map((service) => `python-${service}-tests`),
    ],
    steps: ['undercloud-convert'],
    does: 'for templates',
  },
  artib_undercloud_selinux_permissive: {
    kind: 'boolean',
    initial: true,
    steps: ['undercloud-convert'],
    does: 'for templates',
  },
  artib_swapfile_script: {
    kind: 'template',
    initial: 'swapfile-create.sh.j2',
    steps: ['undercloud-inject'],
    does: 'run in the undercloud image before the overcloud images are put there',
  },
  artib_dib_workarounds: {
    kind: 'boolean',
    initial: true,
    steps: ['dib-workaround'],
    does: 'false: no such script',
  },
  artib_dib_workaround_script: {
    kind: 'template',
    initial: 'dib-workaround-default.sh.j2',
    steps: ['dib-workaround'],
    does: 'run in the overcloud base',
  },
  artib_dib_prepare_script: {
    kind: 'template',
    initial: 'dib-prepare-centos7-default.sh.j2',
    steps: ['dib-prepare'],
    does: 'run on this host, as root',
  },
  artib_dib_remove_epel: { kind: 'boolean', initial: true, steps: ['dib-prepare'], does: 'for templates' },
  artib_image_yaml_template: {
    kind: 'templates',
    initial: 'dib-manifest-default.yaml.j2',
    steps: ['dib-prepare', 'dib-build', 'dib-verify'],
    does: 'the manifest, or several that are merged: which images disk-image-builder makes, and how',
  },
  artib_agent_ramdisk_distro: {
    kind: 'text',
    initial: '{{ artib_base_os }}',
    steps: ['dib-build'],
    does: 'for templates: the distribution of the manifest',
  },
  artib_overcloud_fs_type: {
    kind: 'text',
    initial: 'xfs',
    steps: ['dib-build'],
    does: 'for templates: FS_TYPE of overcloud-full',
  },
  artib_dib_elements_path: {
    kind: 'list',
    initial: [
      '/usr/share/tripleo-image-elements',
      '/usr/share/tripleo-puppet-elements',
      '/usr/share/instack-undercloud/',
      "{% if artib_release == 'mitaka' %}/usr/share/openstack-heat-templates/software-config/elements/{% endif %}",
    ],
    steps: ['dib-build'],
    does: 'for templates: ELEMENTS_PATH of the manifest',
  },
  artib_overcloud_build_mode: {
    kind: BUILD_MODES,
    initial: 'python_module_tripleo_build_images',
    steps: ['dib-build'],
    does: 'checked against artib_release; all three run disk-image-create in the same way',
  },
  artib_overcloud_images: {
    kind: 'list',
    initial: [
      'ironic-python-agent.initramfs',
      'ironic-python-agent.kernel',
      'overcloud-full.initrd',
      'overcloud-full.qcow2',
      'overcloud-full.vmlinuz',
    ],
    steps: ['dib-verify', 'undercloud-inject'],
    does: 'files of the working directory that are put into /home/stack, all in one appliance',
  },
  artib_virt_sparsify_checktmpdir_flag: {
    kind: ['ignore', 'continue', 'warn', 'fail'],
    initial: 'fail',
    steps: ['archive'],
    does: 'what virt-sparsify does when its scratch space looks too small',
  },
  artib_vc_ram: {
    kind: 'number',
    initial: 8192n,
    steps: customised,
    does: "MiB of the appliance's memory; never more than half of this host's",
  },
  artib_vc_cpu: { kind: 'number', initial: 4n, steps: customised, does: "the appliance's processors" },
  artib_vc_verbose: { kind: 'boolean', initial: false, steps: customised, does: 'virt-customize -v' },
  artib_vc_trace: { kind: 'boolean', initial: false, steps: customised, does: 'virt-customize -x' },
  artib_publish: { kind: 'boolean', initial: false, steps: ['archive'], does: 'true: publish the artefacts' },
  artib_publish_artifacts: {
    kind: 'list',
    initial: [
      'undercloud.qcow2',
      'ironic-python-agent.tar',
      'overcloud-full.tar',
      'artib-logs.tar.gz',
    ].flatMap((name) => [name, `${name}.md5`]),
    steps: ['archive'],
    does: 'files of the working directory that are published',
  },
  artib_publish_dest_host: { kind: 'text', steps: ['archive'], does: 'publish over SSH to this host' },
  artib_publish_dest_user: { kind: 'text', steps: ['archive'], does: 'as this user' },
  artib_publish_dest_basepath: {
    kind: 'text',
    steps: ['archive'],
    does: 'directory to publish to: on artib_publish_dest_host, or without a host on this machine',
  },
  artib_publish_dest_key: {
    kind: 'text',
    steps: ['archive'],
    does: 'file of the private key for SSH; used where it is',
  },
  artib_publish_create_dest_via_ssh: {
    kind: 'boolean',
    initial: false,
    steps: ['archive'],
    does: 'make the directory first (here or there)',
  },
  publish: { kind: 'boolean', steps: ['archive'], does: 'the same as artib_publish' },
  jenkins_workspace: {
    kind: 'directory',
    steps: [],
    does: 'for references; unless set, the directory that the command was started in, as Jenkins does it',
  },
  undercloud_image_url: {
    kind: 'text',
    steps: [],
    does: '',
    dead: 'tripleo-quickstart reads it: where it takes the finished undercloud image from',
  },
  ferric_variables: { kind: 'map', steps: [], does: 'our own: more variables for scripts and templates' },
  ferric_checksums: {
    kind: 'map',
    steps: ['base-image'],
    does: 'our own: what base images must be, URL to `algorithm:digest`; needed for http:// ones',
  },
  ferric_publish_port: { kind: 'number', initial: 22n, steps: ['archive'], does: 'our own: port of SSH' },
  ferric_image_endpoint: {
    kind: 'url',
    steps: ['archive'],
    does: 'our own: publish the overcloud and undercloud images into the Image service (v2) there',
  },
  ferric_image_visibility: {
    kind: ['public', 'community', 'shared', 'private'],
    steps: ['archive'],
    does: 'our own: who sees the images that are added there; not set: as that service has it',
  },
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;

export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

export function isKey(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}
