import type { Finding } from './run.js';

/** Differences that are meant, and why. A row that matches nothing any more fails the test. */
export interface Meant {
  scenario?: RegExp;
  /** Method and path of the request. */
  request?: RegExp;
  /** Where in the answer. */
  path: RegExp;
  /** What must hold of the finding besides. */
  when?: (finding: Finding) => boolean;
  reason: string;
}

const theirs = (pattern: RegExp) => (finding: Finding) => pattern.test(finding.theirs);
const TEXT = /^body\.error_message\.faultstring$/;
/** Names of node fields that came after 1.82. */
const NEWER_FIELDS = ['disable_power_off', 'firmware_interface', 'instance_name', 'parent_node'];
const NEWER_PORT_FIELDS = ['available_for_dynamic_portgroup', 'category', 'description', 'name', 'vendor'];
const NEWER_PORTGROUP_FIELDS = ['category', 'dynamic_portgroup', 'physical_network'];

/** Both say what is wrong in the same first words. */
function sameStart(...starts: RegExp[]) {
  return (finding: Finding) =>
    starts.some((start) => {
      const [their, our] = [start.exec(finding.theirs), start.exec(finding.ours)];
      return their !== null && their[0] === our?.[0];
    });
}

/** A list of names at the end of the text, with newer ones among ours. */
function withoutNames(newer: readonly string[]) {
  return (finding: Finding) => {
    const [start = '', names = ''] = finding.ours.slice(0, -1).split(': ');
    const older = names.split(', ').filter((name) => !newer.includes(name));
    return finding.theirs === `${start}: ${older.join(', ')}"`;
  };
}

export const MEANT: readonly Meant[] = [
  // Versions
  {
    path: /^headers\.x-openstack-ironic-api-maximum-version$/,
    reason: 'Ferric speaks versions up to 1.115, Debian’s Ironic up to 1.82.',
  },
  {
    path: /^headers\.x-openstack-ironic-api-version$/,
    when: ({ version, ours }) => version === 'latest' && ours === '"1.115"',
    reason: 'The latest version is 1.115, of Debian’s Ironic 1.82.',
  },
  {
    path: /^body\.(default_version|versions\[0\]|version)\.version$/,
    when: ({ ours }) => ours === '"1.115"',
    reason: 'The roots name 1.115 as the newest version.',
  },
  {
    scenario: /^roots$/,
    request: /^GET \/$/,
    path: /^body\.versions\[[1-9]\d*\]$/,
    when: ({ theirs, ours }) => theirs === 'absent' && ours.includes('/v2/'),
    reason: 'The root names the versions of the Image service inside, too: one endpoint serves both clients.',
  },
  {
    scenario: /^roots$/,
    request: /^GET \/v2$/,
    path: /^status$/,
    when: ({ ours }) => ours.startsWith('200'),
    reason: 'The Image service inside is at /v2.',
  },
  {
    path: /^body\.error_message\.(description|faultstring)$/,
    when: (finding) => finding.theirs.replace('[1.1, 1.82]', '[1.1, 1.115]') === finding.ours,
    reason: 'A refused version is told the range up to 1.115.',
  },
  {
    request: /^GET \/v1$/,
    path: /^body\.(continue_inspection|runbooks|inspection_rules)$/,
    when: ({ version }) => version === 'latest',
    reason: 'Resources that came after 1.82.',
  },
  {
    scenario: /^standard version header$/,
    path: /./,
    reason:
      'Newer releases of Ironic read the header OpenStack-API-Version too; Debian’s reads only its own.',
  },
  {
    scenario: /^negotiation$/,
    path: /^status$/,
    when: ({ version }) => version === '',
    reason: 'An empty version header is none, as in newer releases of Ironic.',
  },
  {
    scenario: /^negotiation$/,
    path: /^body\.error_message\.description$/,
    when: ({ version }) => version === '-1.5',
    reason: 'A version with a sign is no version, as in newer releases of Ironic.',
  },
  {
    request: /states\/provision$/,
    path: /^status$/,
    when: ({ body }) => /"(unhold|service)"/.test(body),
    reason: 'Verbs that came after 1.82: known and refused for the version, not unknown.',
  },
  {
    path: TEXT,
    when: theirs(/^"Unrecognized fault/),
    reason: 'The faults that are listed include `service failure`, which came after 1.82.',
  },
  {
    request: /validate/,
    path: /^body\.firmware$/,
    reason: 'The firmware interface came after 1.82; validate tells of every interface whatever the version.',
  },
  // Headers
  {
    path: /^headers\.vary$/,
    when: theirs(/^absent$/),
    reason: 'A cache between client and server must know that the answer depends on the version headers.',
  },
  {
    path: /^headers\.x-openstack-ironic-api-(minimum-)?version$/,
    when: theirs(/^absent$/),
    reason: 'Every answer names its version; Debian’s leaves that out of what its router refuses.',
  },
  {
    path: /^headers\.allow$/,
    reason:
      'Allow names the methods of the route itself, HEAD too; Debian’s takes an item’s for its collection’s.',
  },
  // Routes that are no part of the API
  {
    path: /^status$/,
    when: ({ theirs: their, ours }) => their.startsWith('500 ') && !ours.startsWith('5'),
    reason: 'A fault of Debian’s Ironic: a request that it does not understand makes it fail with 500.',
  },
  {
    scenario: /^roots$/,
    request: /^(POST|PUT|PATCH|DELETE) \/(v1)?$/,
    path: /^(status|body)$/,
    reason: 'The roots are read only: 405, in the words of every other 405.',
  },
  {
    scenario: /^methods$/,
    request: /^((DELETE|PATCH) \/v1\/(nodes|ports)|POST \/v1\/nodes\/detail)$/,
    path: /^status$/,
    reason: 'A method that a collection does not have is 405; Debian’s misses the item’s name instead.',
  },
  {
    request: /\/nosuch$/,
    path: /^status$/,
    when: ({ theirs: their, ours }) => /^400 "Field/.test(their) && ours.startsWith('404 '),
    reason: 'A path that does not exist is 404; Debian’s takes the rest of a path for parameters.',
  },
  {
    request: /^GET \/v1\/nodes\/[^/]+\/management$/,
    path: /^status$/,
    reason: 'A path that does not exist is 404.',
  },
  {
    scenario: /^port (lists|patch)$/,
    request: /^(POST \/v1\/nodes\/[^/]+\/ports|GET \/v1\/nodes\/[^/]+\/ports\/\S+|DELETE \/v1\/ports)$/,
    path: /^status$/,
    reason: 'Ports are made and read under /v1/ports; under a node they are only listed.',
  },
  {
    request: /^GET \/v1\/drivers\/properties/,
    path: /^status$/,
    reason:
      'A leftover of Debian’s router that is no part of the API: properties are under the driver’s name.',
  },
  {
    request: /^GET \/v1\/nodes\/(one|nosuch|[^/]+999999)\/ports$/,
    path: /^(status|body\.error_message\.faultstring)$/,
    when: theirs(/Portgroup None could not be found/),
    reason: 'A fault of Debian’s Ironic: it looks for a port group where a node is named.',
  },
  {
    request: /node=one&address=/,
    path: /^body\.ports/,
    reason: 'Two filters hold together; Debian’s forgets the address when a node is named.',
  },
  // Paging
  {
    path: /^body\.next$/,
    when: (finding) => pageOf(finding.theirs) === pageOf(finding.ours),
    reason:
      'The next page repeats what the client asked for; Debian’s adds its own default fields and spells True large.',
  },
  // Words
  {
    path: TEXT,
    when: sameStart(/^"Schema error for \w+: /),
    reason: 'What is wrong names the field and never quotes an object, which may hold secrets.',
  },
  {
    path: TEXT,
    when: sameStart(/^"Couldn't apply patch '\{'op': '\w+', 'path': '[^']+'/),
    reason: 'The value of a patch is not quoted: it may be a secret.',
  },
  {
    path: TEXT,
    when: (finding) =>
      [NEWER_FIELDS, NEWER_PORT_FIELDS, NEWER_PORTGROUP_FIELDS].some((newer) => withoutNames(newer)(finding)),
    reason: 'Fields that came after 1.82 are among those that can be updated.',
  },
  {
    request: /^POST /,
    path: TEXT,
    when: ({ ours }) => /^"Schema error for \w+: .* is too long /.test(ours),
    reason: 'A value that is too long is refused as such before anything else is looked at.',
  },
  {
    request: /sort_key=portgroup_uuid/,
    path: /^status$/,
    reason: 'Ports can be sorted by their port group.',
  },
  {
    request: /states\/provision$/,
    path: TEXT,
    when: (finding) =>
      theirs(/^"Expected types <class/)(finding) ||
      sameStart(/^"Invalid (clean_steps|deploy_steps|configdrive format): /)(finding),
    reason:
      'Says where in the value the fault is; Debian’s prints Python’s types, or its schema and the value.',
  },
  {
    request: /states\/(provision|power)$/,
    path: TEXT,
    when: ({ body }) => ['{"target":null}', '[]', '"{bad"'].includes(body),
    reason: 'No target, a body that is no object and one that is no JSON are named as what they are.',
  },
  {
    request: /maintenance$/,
    path: /^status$/,
    when: ({ body }) => body === '[]',
    reason: 'A body that is no object is refused; Debian’s ignores it.',
  },
  {
    path: TEXT,
    when: theirs(/connectivity attributes/),
    reason:
      'The list of attributes in the message: Debian’s prints a set, whose order changes from run to run.',
  },
  {
    scenario: /^node patch/,
    path: /^(status|body\.error_message\.faultstring)$/,
    when: theirs(/Invalid network_data: 'links' is a required property/),
    reason: 'An empty network_data is none, on an edit as on creation; of others the unknown key is named.',
  },
  {
    scenario: /^node patch/,
    path: TEXT,
    when: theirs(/description exceeding 4096 characters/),
    reason: 'A long description is refused in the same words on an edit as on creation.',
  },
  {
    scenario: /^port patch$/,
    path: TEXT,
    when: ({ body }) => body.includes('/node_uuid'),
    reason: 'Whether another node exists is not told, as in newer releases of Ironic.',
  },
  {
    scenario: /^(port groups|allocation requests|deploy templates)$/,
    path: /^(body|body\.error_message\.description)$/,
    when: ({ version }) => [1, 2, 22, 51, 54, 56].includes(Number(version)) || Number(version) < 23,
    reason:
      'What is newer than the version is named in one way, whatever the resource; the status is the same.',
  },
  {
    scenario: /^traits$/,
    path: /^status$/,
    when: ({ version }) => version === 36,
    reason: 'Traits are newer than the version: 404 for every method, as for any such route.',
  },
  {
    scenario: /^deploy templates$/,
    path: TEXT,
    when: theirs(/: extra, name, steps, description"$/),
    reason:
      'A deploy template has no description at these versions; Debian’s lists one among what can be updated.',
  },
  // What is asked for
  {
    scenario: /^chassis$/,
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
  // Fake hardware and what conductors note
  {
    path: /^body(\.nodes\[\d+\])?\.driver_internal_info\./,
    reason: 'What a conductor notes for itself is its own.',
  },
  {
    path: /^body(\.nodes\[\d+\])?\.power_state$/,
    when: theirs(/^null$/),
    reason: 'Fake hardware of Ferric has a power state from the first look at it, off at first.',
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
    request: /drivers\/fake-hardware\/properties$/,
    path: /^body\./,
    reason: 'Fake hardware has properties of its own: delays and failures to play.',
  },
];

/** `next` without what Debian’s adds. */
function pageOf(next: string): string {
  return next
    .replace(/\/v1\/nodes\/[^/]+\/ports/, '/v1/ports')
    .replace(
      /&fields=(instance_uuid,maintenance,power_state,provision_state,uuid,name|uuid,address|hostname,conductor_group,alive|uuid,created_at,severity,event|uuid,description|uuid,address,name|uuid,name)(?=&)/,
      '',
    )
    .replace('marker=None', 'sort_key=created_at&sort_dir=asc')
    .replace('detail=True', 'detail=true');
}

export function isMeant(row: Meant, finding: Finding): boolean {
  return (
    row.path.test(finding.path) &&
    (row.scenario?.test(finding.scenario) ?? true) &&
    (row.request?.test(finding.request) ?? true) &&
    (row.when?.(finding) ?? true)
  );
}
