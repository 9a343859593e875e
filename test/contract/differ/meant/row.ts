import type { Meant as OneMeant } from '../../compare/report.js';
import type { Finding } from '../run.js';
import { NEWEST } from '../scenario.js';

/** A row that matches nothing any more fails the test. */
export type Meant = OneMeant<Finding>;

export const TEXT = /^body\.error_message\.faultstring$/;
/** Names of node fields that came after 1.82. */
export const NEWER_FIELDS = ['disable_power_off', 'firmware_interface', 'instance_name', 'parent_node'];
export const NEWER_PORT_FIELDS = [
  'available_for_dynamic_portgroup',
  'category',
  'description',
  'name',
  'vendor',
];
export const NEWER_PORTGROUP_FIELDS = ['category', 'dynamic_portgroup', 'physical_network'];

/** Both refuse with one status what the version does not have, in one of Ironic's several forms and words. */
export function newerThanAsked({ theirs: their, ours, version }: Finding): boolean {
  const refusals = [
    /^"?(Request not acceptable|Resource could not be found)/,
    /The (requested )?API version (of the client )?(does not|.* not) allow/,
    /The API version does not allow/,
    /This endpoint is supported starting with/,
    /"code":40[45],"title"/,
    /"faultstring":"(The r|R)esource could not be found\."/,
    /^""$/,
  ];
  const refused = (text: string) => refusals.some((pattern) => pattern.test(text));
  return Number(version) <= NEWEST && refused(their) && refused(ours);
}

/** A list of names at the end of the text, with newer ones among ours. */
export function withoutNames(newer: readonly string[]) {
  return (finding: Finding) => {
    const [start = '', names = ''] = finding.ours.slice(0, -1).split(': ');
    const older = names.split(', ').filter((name) => !newer.includes(name));
    return finding.theirs === `${start}: ${older.join(', ')}"`;
  };
}

/** A text with the names at its end sorted. */
export function inOrder(text: string): string {
  const [start = '', names = ''] = text.slice(1, -1).split(': ');
  return `${start}: ${names.split(', ').toSorted().join(', ')}`;
}

/** `next` without what Debian’s adds. */
export function pageOf(next: string): string {
  return next
    .replace(/\/v1\/nodes\/[^/]+\/ports/, '/v1/ports')
    .replace(
      /&fields=(instance_uuid,maintenance,power_state,provision_state,uuid,name|uuid,address|uuid,node_uuid,type,connector_id|uuid,node_uuid,volume_type,boot_index,volume_id|hostname,conductor_group,alive|uuid,created_at,severity,event|uuid,description|uuid,address,name|uuid,name)(?=&)/,
      '',
    )
    .replace('marker=None', 'sort_key=created_at&sort_dir=asc')
    .replace('detail=True', 'detail=true');
}
