import { theirs } from '../../compare/report.js';
import type { Meant } from './row.js';

/** What resources show, ramdisks are told, and fake hardware does. */
export const MACHINES: readonly Meant[] = [
  // What is asked for
  {
    scenario: /^(chassis|details below others)$/,
    path: /^body(\.chassis\[\d\])?\.nodes\[\d\]$/,
    reason: 'A fault of Debian’s Ironic: the links of a chassis to its nodes are a list in a list.',
  },
  {
    scenario: /^port groups$/,
    path: /^body(\.portgroups\[\d\])?\.(mode|properties)$/,
    when: ({ version }) => Number(version) < 26,
    reason: 'Mode and properties of a port group came with 1.26; Debian’s shows them before.',
  },
  {
    request: /allocations\?fields=nosuch$/,
    path: /^status$/,
    reason: 'An unknown field is refused even when the list is empty.',
  },
  {
    scenario: /^node/,
    path: /^status$/,
    when: theirs(/^400 "Cannot create a node as a project scoped admin/),
    reason: 'Without authentication there is no project to compare an owner with.',
  },
  {
    request: /\/nodes\/(D1FFE700-|d1ffe7000000)/,
    path: /^status$/,
    reason: 'A UUID in another spelling is the same UUID.',
  },
  {
    request: /description_contains=(BLUE|%25)/,
    path: /^body\.nodes/,
    reason: 'Case does not count, as in Ironic on MySQL; and a percent sign is no wildcard.',
  },
  {
    scenario: /^rescue$/,
    path: /^body\.instance_info\.(hashed_)?rescue_password$/,
    reason: 'The password of a rescue is kept with the operation, never in the node’s record.',
  },
  {
    request: /states\/provision$/,
    path: /^status$/,
    when: ({ theirs: their, ours }) =>
      their.startsWith('202 ') && /does not support this deploy step/.test(ours),
    reason:
      'A deploy step that the node does not have is refused at once, where Debian’s fails the deployment.',
  },
  // Ramdisks
  {
    request: /^GET \/v1\/lookup/,
    path: /^body\.config\.(permitted_image_formats|agent_containers|agent_md5_checksum_enable|agent_skip_bmc_detect|tls_)/,
    reason: 'What ramdisks are told of newer releases: more image formats, containers, TLS, checksums.',
  },
  {
    request: /^GET \/v1\/lookup/,
    path: /^body\.config\.enable_bios_bootloader_install$/,
    reason: 'Ferric writes whole-disk images, which bring their boot loader: the agent installs none.',
  },
  {
    request: /^GET \/v1\/lookup/,
    path: /^body\.config\.ferric_contained_bootloader_install$/,
    reason: 'Our own agent is told that it may install a boot loader shut in; others do not know the key.',
  },
  {
    request: /^GET \/v1\/lookup/,
    path: /^body\.config\.agent_token$/,
    when: ({ version, ours }) => Number(version) < 62 && ours === '"******"',
    reason: 'A token that a node has is given to nobody again; Debian’s shows it to old ramdisks.',
  },
  {
    request: /^POST \/v1\/heartbeat/,
    path: /^(status|body\.error_message\.faultstring)$/,
    when: ({ ours }) => /^(404 )?"Resource could not be found\."$/.test(ours),
    reason: 'Ramdisks are told nothing of nodes that wait for none, not even that they exist.',
  },
  // Fake hardware and what conductors note
  {
    path: /^body(\.nodes\[\d+\]|\.node)?\.driver_internal_info\./,
    reason: 'What a conductor notes for itself is its own.',
  },
  {
    path: /^body(\.nodes\[\d+\])?\.power_state$/,
    when: theirs(/^null$/),
    reason: 'Fake hardware of Ferric has a power state from the first look at it, off at first.',
  },
  {
    scenario: /^allocation of a given node$/,
    path: /^body\.power_state$/,
    when: theirs(/^"power off"$/),
    reason: 'Fake hardware of Ferric runs once it is deployed; Debian’s stays off.',
  },
  {
    path: /^body(\.allocations\[\d\])?\.last_error$/,
    when: theirs(/TraitList\(/),
    reason: 'A fault of Debian’s Ironic: it prints the object where the traits of a node belong.',
  },
  {
    path: /^body\.last_error$/,
    reason: 'The error names the step that failed, too.',
  },
  {
    request: /\/history/,
    path: /^body\.(history|severity|event|event_type)/,
    reason: 'The history tells all that happened to a node; Debian’s tells of failures only.',
  },
  {
    request: /management\/boot_device/,
    path: /^(status|body\.(boot_device|persistent|supported_boot_devices))/,
    reason: 'Fake hardware of Ferric keeps any boot device that it is given; Debian’s knows pxe only.',
  },
  {
    request: /(inject_nmi|indicators\/\S+)$/,
    path: /^(status|body\.error_message\.faultstring)$/,
    when: theirs(/does not support (inject_nmi|set_indicator_state)/),
    reason: 'Fake hardware of Ferric takes an NMI and sets its lights; Debian’s does neither.',
  },
  {
    scenario: /^boot mode/,
    path: /^body\.boot_mode$/,
    when: theirs(/^null$/),
    reason: 'Fake hardware of Ferric has a boot mode and Secure Boot; Debian’s has none.',
  },
  {
    request: /vendor_passthru\/methods$/,
    path: /^body\.log_passthrough$/,
    reason: 'A vendor method of fake hardware that came after 1.82.',
  },
  {
    request: /drivers\/fake-hardware\/properties$/,
    path: /^body\./,
    reason: 'Fake hardware has properties of its own: delays and failures to play.',
  },
];
