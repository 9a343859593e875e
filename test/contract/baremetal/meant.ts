import { type Meant as OneMeant, sameStart, theirs } from '../compare/report.js';
import type { Finding } from './run.js';

/** A row that matches nothing any more fails the test. `line`: the command as the scenario has it. */
type Meant = OneMeant<Finding>;

/** What is printed of an object or a list: the same characters in another order. */
function sameParts({ theirs: their, ours }: Finding): boolean {
  return [...their].sort().join('') === [...ours].sort().join('');
}

/** Ours has the rows of theirs, in their order, and these among them. */
function newerRows(newer: readonly string[]) {
  return ({ theirs: their, ours }: Finding) => {
    const older = (JSON.parse(ours) as string[]).filter((id) => !newer.includes(id));
    return JSON.stringify(older) === their;
  };
}

/** What our refusals say behind Ironic's words. */
const WHAT_TO_DO =
  / Ask for "\w+"(, then "\w+")* first\.| Enabled hardware types \(driver\.enabled_hardware_types\): [\w, -]+\./g;

export const MEANT: readonly Meant[] = [
  // What lists and shows print
  {
    path: /./,
    when: (finding) => /^[[{]/.test(finding.ours) && sameParts(finding),
    reason: 'PostgreSQL keeps no order of the keys of an object: they are printed in its own.',
  },
  {
    line: /driver (list|show)/,
    path: /enabled.\w+.interfaces$/i,
    when: sameParts,
    reason: 'The enabled interfaces of a hardware type are a set: Ferric’s are sorted.',
  },
  {
    path: /power.state$/i,
    when: theirs(/^(None|null)$/),
    reason: 'Fake hardware of Ferric has a power state from the first look at it, off at first.',
  },
  {
    line: /^node validate/,
    path: /^rows$/,
    when: newerRows(['firmware']),
    reason: 'The firmware interface came after 1.82; validate tells of every interface whatever the version.',
  },
  {
    line: /^driver property list fake-hardware/,
    path: /^rows$/,
    reason: 'Fake hardware has properties of its own: delays and failures to play.',
  },
  {
    line: /^node boot device/,
    path: /^(status|persistent|supported_boot_devices)$/,
    reason: 'Fake hardware of Ferric keeps any boot device that it is given; Debian’s knows pxe only.',
  },
  {
    line: /^node (inject nmi|boot mode|secure boot|show one --fields boot_mode)/,
    path: /^(status|stderr|boot_mode|secure_boot)$/,
    reason: 'Fake hardware of Ferric has an NMI, a boot mode and Secure Boot.',
  },
  {
    line: /^node passthru list/,
    path: /^rows$/,
    when: newerRows(['log_passthrough']),
    reason: 'The vendor method `log_passthrough` came after 1.82.',
  },
  {
    path: /^(\[\d+\]\.)?updated.at$/i,
    when: theirs(/^<time>$/),
    reason: 'A node that was only reserved is not updated: Debian’s counts that too.',
  },
  {
    line: /^node history/,
    path: /./,
    reason: 'The history tells all that happened to a node; Debian’s tells of failures only.',
  },
  {
    line: /^driver list --fields .*interface/,
    path: /^status$/,
    reason: 'A list of hardware types can be asked for any field; Debian’s knows few of them there.',
  },
  {
    path: /^instance_info/,
    when: theirs(/rescue_password|^\*+$/),
    reason: 'The password of a rescue is forgotten as soon as the rescue system has it.',
  },
  {
    path: /^retired$/,
    when: theirs(/^(None|null)$/),
    reason: 'Whether a node is retired is true or false, where Debian’s has null once it was unset.',
  },
  // Faults of Debian's
  {
    path: /^(status|stderr)$/,
    when: theirs(/\(HTTP 500\)/),
    reason: 'A fault of Debian’s Ironic: a request that it does not understand makes it fail with 500.',
  },
  // Words
  {
    path: /^stderr$/,
    when: sameStart(/Schema error for \w+: /),
    reason: 'What is wrong names the field and never quotes an object, which may hold secrets.',
  },
  {
    path: /^stderr$/,
    when: theirs(/^Unrecognized fault/),
    reason: 'The faults that are listed include `service failure`, which came after 1.82.',
  },
  {
    line: /^--os-baremetal-api-version 1\.(36|51|31|54) /,
    path: /^stderr$/,
    reason: 'What is newer than the version is named in one way, whatever the resource.',
  },
  {
    path: /^stderr$/,
    when: sameStart(/Invalid (clean|deploy)_steps: /, /Invalid configdrive format: /),
    reason: 'What is wrong with steps or a config drive names its place; Debian’s prints its schema.',
  },
  {
    line: /^node clean one --clean-steps '{/,
    path: /^stderr$/,
    reason: 'A wrong type is named in words of JSON, not of Python.',
  },
  {
    line: /target-raid-config/,
    path: /^stderr$/,
    reason:
      'Says where in a RAID configuration the fault is; Debian’s prints its schema’s words or Python’s types.',
  },
  {
    line: /interface nosuch$/,
    path: /^stderr$/,
    when: ({ theirs: their, ours }) =>
      ours.split('Valid interfaces')[0] === their.split('Valid interfaces')[0],
    reason: 'The interfaces that could be named are those that are enabled.',
  },
  {
    path: /^stderr$/,
    when: ({ theirs: their, ours }) => ours.replaceAll(WHAT_TO_DO, '') === their,
    reason:
      'Behind Ironic’s words stands what to do: the verb to ask for first, the hardware types that are enabled.',
  },
  {
    path: /^(stderr|last_error)$/,
    when: ({ theirs: their, ours }) => ours.replace(/Cleaning failed: [\w.]+: /, '') === their,
    reason: 'The error names the step that failed, too.',
  },
];

/** Subcommands that cannot end with 0 on both, and why. */
export const WITHOUT_END: Readonly<Record<string, string>> = {
  'driver passthru call': 'no hardware type of either has methods of its own.',
  'node inject nmi': 'Debian’s fake hardware takes no NMI; Ferric’s does.',
  'port group delete': 'a fault of Debian’s Ironic, whose conductor fails whenever it deletes one (500).',
};
