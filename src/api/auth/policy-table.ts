import {
  all,
  any,
  lessee,
  member,
  nobody,
  openToAll,
  owner,
  role,
  servesAll,
  system,
  type Who,
} from './who.js';

/** One rule: who is allowed, and the alternatives for the others. */
export interface Rule {
  readonly who: Who;
  /** A project-scoped token is refused, whatever its roles. */
  readonly systemOnly?: true;
  /** For a listing of everything: the rule of a listing of the requester’s own objects. */
  readonly own?: RuleName;
  /** For actions of projects on their own nodes: the rule that allows them (`mayManageOwn`). */
  readonly orOwn?: RuleName;
}

// The sets of ironic/common/policy.py, by its names. Roles imply each other in Keystone, not here.
const serviceProject = all(role('service'), servesAll);
const systemAdmin = all(role('admin'), system);
const systemService = all(role('service'), system);
const systemMember = any(all(role('member'), system), serviceProject);
const systemReader = any(all(role('reader'), system), systemService, serviceProject);
const ownerAdmin = all(role('admin'), owner);
const ownerManager = all(role('manager'), owner);
const ownerMember = all(role('member'), owner);
const ownerReader = all(role('reader'), owner);
const ownerService = all(role('service'), owner);
const lesseeAdmin = all(role('admin'), lessee);
const lesseeManager = all(role('manager'), lessee);
const projectMember = any(ownerMember, all(role('member'), lessee));
const projectReader = any(ownerReader, all(role('reader'), lessee));

const projectMembers = any(systemMember, projectMember, systemService);
const projectReaders = any(systemReader, projectReader, ownerService);
const membersAndLesseeAdmins = any(
  systemMember,
  systemService,
  ownerMember,
  lesseeAdmin,
  lesseeManager,
  ownerService,
);
const adminsAndOwnerAdmins = any(systemAdmin, systemService, ownerAdmin, ownerManager, ownerService);
const membersAndOwnerAdmins = any(systemMember, systemService, ownerAdmin, ownerManager, ownerService);
const membersAndOwners = any(systemMember, systemService, ownerMember, ownerService);
const readersAndOwners = any(systemReader, systemService, ownerReader, ownerService);
const volumeAdmins = any(membersAndOwnerAdmins, lesseeAdmin, lesseeManager);
const allocationMember = any(systemMember, ownerMember);
const runbookAdmin = any(systemMember, ownerManager, role('service'));
const reader = any(role('reader'), role('service'));

// glance/policies/base.py: the administrator's role counts there whatever the scope.
const imageAdmin = role('admin');
const imageOwner = any(imageAdmin, ownerMember);
const imageReader = any(imageAdmin, ownerReader, all(role('reader'), openToAll));

/**
 * Ironic’s default policies (ironic/common/policy.py as of 1.115, without its deprecated rules), Glance’s under
 * `image:` (glance/policies), and Ferric's additions under `ferric:`. `owner` and `lessee` are those of the node, or of
 * the allocation or runbook itself.
 */
export const POLICIES = {
  show_password: { who: nobody },
  show_instance_secrets: { who: nobody },

  'baremetal:node:create': {
    who: any(systemAdmin, systemService),
    orOwn: 'baremetal:node:create:self_owned_node',
  },
  'baremetal:node:create:self_owned_node': { who: any(role('admin'), role('service')) },
  'baremetal:node:list': { who: reader },
  'baremetal:node:list_all': { who: systemReader, own: 'baremetal:node:list' },
  'baremetal:node:get': { who: projectReaders },
  'baremetal:node:get:filter_threshold': { who: systemReader },
  'baremetal:node:get:last_error': { who: readersAndOwners },
  'baremetal:node:get:reservation': { who: readersAndOwners },
  'baremetal:node:get:driver_internal_info': { who: readersAndOwners },
  'baremetal:node:get:driver_info': { who: readersAndOwners },
  'baremetal:node:update': { who: projectMembers },
  'baremetal:node:update_extra': { who: projectMembers },
  'baremetal:node:update_instance_info': { who: membersAndLesseeAdmins },
  'baremetal:node:update_owner_provisioned': { who: systemAdmin, systemOnly: true },
  'baremetal:node:update:driver_info': { who: membersAndOwners },
  'baremetal:node:update:properties': { who: membersAndOwners },
  'baremetal:node:update:chassis_uuid': { who: systemAdmin },
  'baremetal:node:update:instance_uuid': { who: membersAndOwners },
  'baremetal:node:update:lessee': { who: membersAndOwners },
  'baremetal:node:update:owner': { who: systemMember },
  'baremetal:node:update:driver_interfaces': { who: membersAndOwnerAdmins },
  'baremetal:node:update:network_data': { who: membersAndOwners },
  'baremetal:node:update:conductor_group': { who: systemMember },
  'baremetal:node:update:name': { who: membersAndOwners },
  'baremetal:node:update:retired': { who: membersAndOwners },
  'baremetal:node:update:shard': { who: systemAdmin },
  'baremetal:node:update:parent_node': { who: systemMember },
  'baremetal:node:update:disable_power_off': { who: systemAdmin },
  'baremetal:node:disable_cleaning': { who: systemAdmin },
  'baremetal:node:delete': { who: systemAdmin, orOwn: 'baremetal:node:delete:self_owned_node' },
  'baremetal:node:delete:self_owned_node': { who: ownerAdmin },
  'baremetal:node:validate': { who: membersAndLesseeAdmins },
  'baremetal:node:set_maintenance': { who: membersAndLesseeAdmins },
  'baremetal:node:clear_maintenance': { who: membersAndLesseeAdmins },
  'baremetal:node:get_boot_device': { who: membersAndOwnerAdmins },
  'baremetal:node:set_boot_device': { who: membersAndOwnerAdmins },
  'baremetal:node:get_indicator_state': { who: projectReaders },
  'baremetal:node:set_indicator_state': { who: membersAndOwners },
  'baremetal:node:inject_nmi': { who: membersAndOwnerAdmins },
  'baremetal:node:get_states': { who: projectReaders },
  'baremetal:node:set_power_state': { who: projectMembers },
  'baremetal:node:set_boot_mode': { who: projectMembers },
  'baremetal:node:set_secure_boot': { who: projectMembers },
  'baremetal:node:set_provision_state': { who: membersAndLesseeAdmins },
  'baremetal:node:set_provision_state:clean_steps': { who: membersAndLesseeAdmins },
  'baremetal:node:set_provision_state:service_steps': { who: membersAndLesseeAdmins },
  'baremetal:node:set_raid_state': { who: membersAndOwners },
  'baremetal:node:get_console': { who: membersAndOwners },
  'baremetal:node:set_console_state': { who: membersAndOwners },
  'baremetal:node:vif:list': { who: projectReaders },
  'baremetal:node:vif:attach': { who: membersAndLesseeAdmins },
  'baremetal:node:vif:detach': { who: membersAndLesseeAdmins },
  'baremetal:node:traits:list': { who: projectReaders },
  'baremetal:node:traits:set': { who: membersAndOwnerAdmins },
  'baremetal:node:traits:delete': { who: membersAndOwnerAdmins },
  'baremetal:node:bios:get': { who: projectReaders },
  'baremetal:node:firmware:get': { who: projectReaders },
  'baremetal:node:history:get': { who: readersAndOwners },
  'baremetal:node:inventory:get': { who: readersAndOwners },
  'baremetal:node:vmedia:attach': { who: projectMembers },
  'baremetal:node:vmedia:detach': { who: projectMembers },
  'baremetal:node:vmedia:get': { who: projectReaders },
  'baremetal:node:vendor_passthru': { who: systemAdmin },
  'baremetal:shards:get': { who: systemReader },

  'baremetal:port:get': { who: projectReaders },
  'baremetal:port:list': { who: reader },
  'baremetal:port:list_all': { who: systemReader, own: 'baremetal:port:list' },
  'baremetal:port:create': { who: adminsAndOwnerAdmins },
  'baremetal:port:delete': { who: adminsAndOwnerAdmins },
  'baremetal:port:update': { who: membersAndOwnerAdmins },
  'baremetal:portgroup:get': { who: projectReaders },
  'baremetal:portgroup:list': { who: reader },
  'baremetal:portgroup:list_all': { who: systemReader, own: 'baremetal:portgroup:list' },
  'baremetal:portgroup:create': { who: adminsAndOwnerAdmins },
  'baremetal:portgroup:delete': { who: adminsAndOwnerAdmins },
  'baremetal:portgroup:update': { who: membersAndOwnerAdmins },
  'baremetal:volume:get': { who: projectReaders },
  'baremetal:volume:list': { who: reader },
  'baremetal:volume:list_all': { who: systemReader, own: 'baremetal:volume:list' },
  'baremetal:volume:create': { who: volumeAdmins },
  'baremetal:volume:delete': { who: volumeAdmins },
  'baremetal:volume:update': { who: membersAndLesseeAdmins },
  'baremetal:volume:view_target_properties': { who: any(systemReader, role('admin')) },

  'baremetal:chassis:get': { who: systemReader, systemOnly: true },
  'baremetal:chassis:create': { who: systemAdmin, systemOnly: true },
  'baremetal:chassis:delete': { who: systemAdmin, systemOnly: true },
  'baremetal:chassis:update': { who: systemMember, systemOnly: true },
  'baremetal:driver:get': { who: systemReader, systemOnly: true },
  'baremetal:driver:get_properties': { who: systemReader, systemOnly: true },
  'baremetal:driver:get_raid_logical_disk_properties': { who: systemReader, systemOnly: true },
  'baremetal:driver:vendor_passthru': { who: systemAdmin, systemOnly: true },
  'baremetal:conductor:get': { who: systemReader },
  'baremetal:events:post': { who: systemAdmin, systemOnly: true },
  'ferric:event:stream': { who: readersAndOwners },
  'ferric:node:actions': { who: projectReaders },
  'ferric:node:attempts': { who: readersAndOwners },
  'ferric:image_cache:get': { who: systemReader },
  'ferric:image_cache:change': { who: systemAdmin },

  'baremetal:allocation:get': { who: any(systemReader, ownerReader) },
  'baremetal:allocation:list': { who: reader },
  'baremetal:allocation:list_all': { who: systemReader, own: 'baremetal:allocation:list' },
  'baremetal:allocation:create': { who: any(systemMember, role('member')) },
  'baremetal:allocation:create_restricted': { who: systemMember },
  'baremetal:allocation:delete': { who: allocationMember },
  'baremetal:allocation:update': { who: allocationMember },

  'baremetal:deploy_template:get': { who: systemReader },
  'baremetal:deploy_template:create': { who: systemAdmin },
  'baremetal:deploy_template:delete': { who: systemAdmin },
  'baremetal:deploy_template:update': { who: systemAdmin },
  'baremetal:runbook:get': { who: any(systemReader, ownerReader, role('service')) },
  'baremetal:runbook:list': { who: reader },
  'baremetal:runbook:list_all': { who: systemReader, own: 'baremetal:runbook:list' },
  'baremetal:runbook:create': { who: any(systemMember, role('manager'), role('service')) },
  'baremetal:runbook:delete': { who: runbookAdmin },
  'baremetal:runbook:update': { who: runbookAdmin },
  'baremetal:runbook:update:public': { who: systemMember },
  'baremetal:runbook:update:owner': { who: systemMember },
  'baremetal:runbook:use': { who: runbookAdmin },
  'baremetal:inspection_rule:get': { who: systemReader },
  'baremetal:inspection_rule:list_all': { who: systemReader },
  'baremetal:inspection_rule:create': { who: systemAdmin },
  'baremetal:inspection_rule:update': { who: systemAdmin },
  'baremetal:inspection_rule:delete': { who: systemAdmin },

  'image:add_image': { who: imageOwner },
  'image:get_images': { who: any(imageAdmin, role('reader')) },
  'image:get_image': { who: imageReader },
  'image:modify_image': { who: imageOwner },
  'image:delete_image': { who: imageOwner },
  'image:upload_image': { who: imageOwner },
  'image:download_image': { who: any(imageOwner, all(role('member'), openToAll)) },
  'image:publicize_image': { who: imageAdmin },
  'image:communitize_image': { who: imageOwner },
  'image:deactivate': { who: imageOwner },
  'image:reactivate': { who: imageOwner },
  'image:add_member': { who: imageOwner },
  'image:delete_member': { who: imageOwner },
  'image:get_members': { who: any(imageAdmin, ownerReader, all(role('reader'), member)) },
  'image:modify_member': { who: any(imageAdmin, all(role('member'), member)) },
} as const satisfies Record<string, { who: Who; systemOnly?: true; own?: string; orOwn?: string }>;

export type RuleName = keyof typeof POLICIES;

export function ruleOf(name: RuleName): Rule {
  return POLICIES[name];
}
