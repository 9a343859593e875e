import type { Scenario } from '../scenario.js';

const ALL = [
  'allocation_uuid automated_clean bios_interface boot_interface boot_mode chassis_uuid clean_step conductor',
  'conductor_group console_enabled console_interface created_at deploy_interface deploy_step description driver',
  'driver_info extra fault inspect_interface inspection_finished_at inspection_started_at instance_info',
  'instance_uuid last_error lessee maintenance maintenance_reason management_interface name network_data',
  'network_interface owner power_interface power_state properties protected protected_reason provision_state',
  'raid_config raid_interface rescue_interface reservation resource_class retired retired_reason secure_boot',
  'storage_interface target_power_state target_provision_state target_raid_config traits uuid vendor_interface',
].join(' ');
const KINDS = 'bios boot console deploy inspect management network power raid rescue storage vendor'.split(
  ' ',
);
const VERSIONS = ['1.1', '1.11', '1.31', '1.52', '1.78'];

const create = `
  node create --driver fake-hardware --name one --uuid {1} --driver-info ipmi_password=canary --driver-info a=1
`;
const gone = `
  node delete one
  node list
`;

export const NODE: readonly Scenario[] = [
  {
    name: 'nodes: create with everything',
    files: { 'network.json': '{"links": [], "networks": [], "services": []}' },
    commands: `
      node list
      chassis create --uuid {90} --description 'a row'
      node create --driver fake-hardware
      anonymous=uuid <- node list
      node delete {anonymous}
      node create --driver fake-hardware --name one --uuid {1} --chassis-uuid {90} --driver-info ipmi_password=canary \
--driver-info 'nested={"a": {"b": [1, "x"]}}' --property cpus=8 --property cpu_arch=x86_64 --property \
capabilities=boot_mode:uefi --extra rack=7 --extra note='with spaces' --resource-class gold \
--automated-clean --conductor-group '' --network-data network.json
      node create --driver fake-hardware --name two --uuid {2} ${KINDS.map((kind) => `--${kind}-interface ${kind === 'network' ? 'noop' : 'fake'}`).join(' ')} --no-automated-clean -f json
      node create --driver fake-hardware --name three --uuid {3} --network-data '{"links": [], "networks": [], "services": []}'
      node create --driver fake-hardware --name four --uuid {4} --network-data - <<< {"links": [], "networks": [], "services": []}
      node show one
      node show {2}
      node show three --fields network_data uuid
      node show four --fields network_data name
      node create --driver fake-hardware --name one
      node create --driver fake-hardware --uuid {1}
      node create --driver fake-hardware --owner me
      node create --driver fake-hardware --lessee you
      node create --driver fake-hardware --description 'the first'
      node create --driver nosuch
      node create
      node create --driver fake-hardware --chassis-uuid {99}
      node create --driver fake-hardware --conductor-group nobody
      node create --driver fake-hardware --boot-interface nosuch
      node create --driver fake-hardware --deploy-interface direct --name five
      node create --driver fake-hardware --name 'not a name'
      node create --driver fake-hardware --uuid not-a-uuid
      node create --driver fake-hardware --property novalue
      node create --driver fake-hardware --network-data nosuch.json
      node create --driver fake-hardware --network-data '{"links": 5}'
      node create --driver fake-hardware --automated-clean --no-automated-clean
      node list
      node list --long
      node list --fields ${ALL}
      node list --fields name nosuch
      node list --long --fields name
      node delete one two three four five
      node delete nosuch
      node delete one {2}
      node delete
      node list
      chassis delete {90}
    `,
  },
  {
    name: 'nodes: lists and filters',
    commands: `
      chassis create --uuid {91}
      node create --driver fake-hardware --name a --uuid {11} --resource-class gold --chassis-uuid {91}
      node create --driver fake-hardware --name b --uuid {12} --resource-class silver
      node create --driver fake-hardware --name c --uuid {13}
      node set a --owner me --description 'Blue rack'
      node set c --owner me
      node set b --lessee you
      node maintenance set b --reason 'fan broken'
      node set c --instance-uuid {77}
      node set a --retired --retired-reason 'old'
      node list --limit 2
      node list --limit 0
      node list --limit -1
      node list --limit many
      node list --marker {11}
      node list --marker {11} --limit 1
      node list --marker {99}
      node list --marker b
      node list --sort name:desc
      node list --sort name
      node list --sort resource_class:asc
      node list --sort name,uuid:desc
      node list --sort nosuch
      node list --sort name:sideways
      node list --sort properties
      node list --maintenance
      node list --no-maintenance
      node list --maintenance --no-maintenance
      node list --retired
      node list --no-retired
      node list --fault 'power failure'
      node list --fault nosuch
      node list --associated
      node list --unassociated
      node list --provision-state enroll
      node list --provision-state active
      node list --provision-state nosuch
      node list --driver fake-hardware
      node list --driver nosuch
      node list --resource-class gold
      node list --resource-class nosuch
      node list --conductor-group ''
      node list --conductor-group nobody
      node list --conductor localhost
      node list --conductor nosuch
      node list --chassis {91}
      node list --chassis {99}
      node list --owner me
      node list --lessee you
      node list --owner me --retired
      node list --description-contains Blue
      node list --description-contains nosuch
      node list --long --driver fake-hardware --sort name
      node show --instance {77}
      node show --instance {99}
      node show a --fields ${ALL}
      node show a --fields nosuch
      node show nosuch
      node show
      node list -f value
      node list -f csv
      node list -f value -c Name -c 'Provisioning State'
      node show a -f value -c name
      node show a -f shell -c name -c driver
      node list -f yaml -c Name -c UUID
      node show a -f nosuch
      node list --max-width 60
      node list --noindent -f json
      node unset c --instance-uuid
      node delete a b c
      chassis delete {91}
      node list
    `,
  },
  {
    name: 'nodes: set and unset',
    files: { 'raid.json': '{"logical_disks": [{"size_gb": 100, "raid_level": "1"}]}' },
    commands: `
      chassis create --uuid {92}
      ${create}
      node set one --name uno --property cpus=8 --property cpu_arch=x86_64 --extra a=1 --extra 'b={"c": [1, 2]}'
      node show uno --fields name properties extra
      node set uno --name one --driver-info ipmi_password=other --driver-info 'json={"x": true}' --instance-info image_source=http://x/y
      node show one --fields driver_info instance_info
      node set one --resource-class gold --owner me --lessee you --description 'what it is' --chassis-uuid {92}
      node show one --fields resource_class owner lessee description chassis_uuid
      node set one --automated-clean
      node show one --fields automated_clean
      node set one --no-automated-clean
      node show one --fields automated_clean
      node set one --retired --retired-reason 'worn out'
      node show one --fields retired retired_reason
      node set one --instance-uuid {78}
      node show one --fields instance_uuid
      node set one --conductor-group nobody
      node set one --conductor-group ''
      node set one --network-data '{"links": [], "networks": [], "services": []}'
      node show one --fields network_data
      node set one --target-raid-config raid.json
      ${KINDS.map((kind) => `node set one --${kind}-interface ${kind === 'network' ? 'noop' : 'fake'}`).join('\n')}
      node show one
      node set one --target-raid-config raid.json
      node show one --fields target_raid_config
      node set one --target-raid-config - <<< {"logical_disks": [{"size_gb": "MAX", "raid_level": "0", "is_root_volume": true}]}
      node show one --fields target_raid_config
      node set one --target-raid-config '{"logical_disks": [{"size_gb": 100, "raid_level": "nosuch"}]}'
      node set one --target-raid-config '{"nosuch": 1}'
      node set one --target-raid-config 'not json'
      node set one --target-raid-config -
      ${KINDS.map((kind) => `node set one --${kind}-interface nosuch`).join('\n')}
      ${KINDS.map((kind) => `node set one --reset-${kind}-interface`).join('\n')}
      node show one
      node set one --driver fake-hardware --reset-interfaces
      node set one --reset-interfaces
      node set one --driver nosuch
      node set one --protected
      node set one --protected --protected-reason x
      node set one --chassis-uuid {99}
      node set one --name 'not a name'
      node set one --instance-uuid x
      node set one --property novalue
      node set one
      node set nosuch --name x
      node show one
      node unset one --property cpus --extra a --extra b --driver-info json --instance-info image_source
      node unset one --resource-class --owner --lessee --description --chassis-uuid
      node show one
      node unset one --network-data
      node unset one --instance-uuid --retired --retired-reason
      node unset one --conductor-group --target-raid-config
      ${KINDS.map((kind) => `node unset one --${kind}-interface`).join('\n')}
      node show one
      node unset one --property cpus
      node unset one --extra nosuch
      node unset one --protected --protected-reason
      node unset one --name
      node unset {1} --name
      node show {1}
      node unset {1} --automated-clean
      node delete {1}
      chassis delete {92}
      ${gone.replace('node delete one', '')}
    `,
  },
  {
    name: 'nodes: maintenance, validate, traits, VIFs',
    commands: `
      ${create}
      node maintenance set one
      node show one --fields maintenance maintenance_reason
      node maintenance set one --reason 'fan broken'
      node show one --fields maintenance maintenance_reason
      node maintenance unset one
      node maintenance unset one
      node show one --fields maintenance maintenance_reason
      node maintenance set nosuch
      node maintenance unset nosuch
      node validate one
      node validate nosuch
      node trait list one
      node add trait one CUSTOM_GOLD HW_CPU_X86_VMX
      node trait list one
      node add trait one CUSTOM_GOLD
      node add trait one nosuch
      node add trait one CUSTOM_A CUSTOM_bad
      node trait list one
      node show one --fields traits
      node remove trait one CUSTOM_GOLD
      node remove trait one CUSTOM_GOLD
      node remove trait one nosuch HW_CPU_X86_VMX
      node trait list one
      node remove trait one --all
      node remove trait one
      node remove trait one --all X
      node trait list one
      node trait list nosuch
      node vif list one
      node vif attach one {55}
      node vif list one
      node vif attach one {55} --port-uuid {56}
      node vif attach one vif-x --vif-info a=b --vif-info c=d
      node vif detach one {55}
      node vif detach one nosuch
      node vif list nosuch
      node vif attach nosuch {55}
      node vif detach nosuch {55}
      ${gone}
    `,
  },
  {
    name: 'nodes: at older versions',
    commands: `
      ${create}
      port create 52:54:00:00:00:01 --node {1} --uuid {61}
      ${VERSIONS.map((version) => `--os-baremetal-api-version ${version} node show {1}`).join('\n')}
      ${VERSIONS.map((version) => `--os-baremetal-api-version ${version} node list --long`).join('\n')}
      ${VERSIONS.map((version) => `--os-baremetal-api-version ${version} node list`).join('\n')}
      ${VERSIONS.map((version) => `--os-baremetal-api-version ${version} port list --long`).join('\n')}
      ${['1.1', '1.24', '1.30', '1.31'].map((version) => `--os-baremetal-api-version ${version} driver show fake-hardware`).join('\n')}
      --os-baremetal-api-version 1.4 node show one
      --os-baremetal-api-version 1.5 node show one
      --os-baremetal-api-version 1.36 node trait list one
      --os-baremetal-api-version 1.39 node bios setting list one
      --os-baremetal-api-version 1.51 allocation list
      --os-baremetal-api-version 1.48 conductor list
      --os-baremetal-api-version 1.22 port group list
      --os-baremetal-api-version 1.31 volume target list
      --os-baremetal-api-version 1.54 deploy template list
      --os-baremetal-api-version 1.77 node history list one
      --os-baremetal-api-version 1.82 node show one
      --os-baremetal-api-version 1.999 node list
      --os-baremetal-api-version nosuch node list
      --os-baremetal-api-version latest node list
      --os-baremetal-api-version 1 node list
      ${gone}
    `,
  },
];
