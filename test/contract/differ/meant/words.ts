import { sameStart, theirs } from '../../compare/report.js';
import {
  inOrder,
  type Meant,
  NEWER_FIELDS,
  NEWER_PORT_FIELDS,
  NEWER_PORTGROUP_FIELDS,
  newerThanAsked,
  TEXT,
  withoutNames,
} from './row.js';

/** How what is wrong is said. */
export const WORDS: readonly Meant[] = [
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
    when: ({ theirs: their, ours }) =>
      ours.startsWith(their.slice(0, -1)) &&
      /^ (Ask for "|Ask for \\"|Enabled hardware types |It is port )/.test(ours.slice(their.length - 1)),
    reason:
      'Behind Ironic’s words stands what to do: the verb to ask for first, the hardware types that are enabled, whose a MAC address is.',
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
    path: TEXT,
    when: (finding) =>
      theirs(/^"Expected types <class/)(finding) ||
      sameStart(/^"RAID config validation error: /)(finding) ||
      sameStart(/^"Invalid (clean_steps|deploy_steps|configdrive format): /)(finding),
    reason:
      'Says where in the value the fault is; Debian’s prints Python’s types, or its schema and the value.',
  },
  {
    path: /^(status|body\.error_message\.faultstring)$/,
    when: ({ body, ours }) =>
      ours.includes('the body is not of type') ||
      ['{"target":null}', '{"boot_device":null}', '[]', '"{bad"'].includes(body),
    reason: 'No target, a body that is no object and one that is no JSON are named as what they are.',
  },
  {
    request: /(maintenance|states\/console)$/,
    path: /^status$/,
    when: ({ body }) => body === '[]' || body === '{"enabled":null}',
    reason: 'A body that is no object and a switch that is null are refused; Debian’s ignores them.',
  },
  {
    path: TEXT,
    when: theirs(/connectivity attributes/),
    reason:
      'The list of attributes in the message: Debian’s prints a set, whose order changes from run to run.',
  },
  {
    path: TEXT,
    when: ({ theirs: their, ours }) => inOrder(their) === inOrder(ours),
    reason: 'The names of what can be updated stand in the order of the alphabet.',
  },
  {
    request: /^POST \/v1\/events$/,
    path: TEXT,
    reason: 'What is wrong with an event names the field, as newer releases do in words of their own.',
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
    request: /^PATCH \/v1\/(ports|volume)/,
    path: TEXT,
    when: ({ body }) => body.includes('/node_uuid'),
    reason: 'Whether another node exists is not told, as in newer releases of Ironic.',
  },
  {
    path: /^(body|body\.error_message\.(description|faultstring))$/,
    when: newerThanAsked,
    reason:
      'What is newer than the version is named in one way, whatever the resource; the status is the same.',
  },
  {
    scenario: /^deploy templates$/,
    path: TEXT,
    when: theirs(/: extra, name, steps, description"$/),
    reason:
      'A deploy template has no description at these versions; Debian’s lists one among what can be updated.',
  },
];
