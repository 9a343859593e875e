import type { Scenario } from '../scenario.js';

const create = `node create --driver fake-hardware --name one --uuid {1} --property capabilities=boot_mode:uefi`;
const manageable = `
  ${create}
  node manage one
  until one manageable
`;
const available = `
  ${manageable}
  node provide one
  until one available
`;
const gone = `
  node delete one
  node list
`;
const VERBS = 'abort adopt deploy inspect manage provide rebuild undeploy unrescue'.split(' ');
const shown =
  'node show one --fields provision_state target_provision_state power_state last_error instance_info fault';

export const STATE: readonly Scenario[] = [
  {
    name: 'provisioning: with --wait',
    commands: `
      ${create}
      node manage one --wait 60
      node provide one --wait 60
      node deploy one --wait 60 --config-drive '{"meta_data": {"key": "canary"}}'
      ${shown}
      node undeploy one --wait
      ${shown}
      node manage one --wait 60
      node clean one --clean-steps '[{"interface": "deploy", "step": "nosuch"}]' --wait 60
      ${gone}
    `,
  },
  {
    name: 'provisioning: verbs in the wrong state',
    commands: `
      ${create}
      ${VERBS.filter((verb) => verb !== 'manage')
        .map((verb) => `node ${verb} one`)
        .join('\n')}
      node clean one --clean-steps '[]'
      node rescue one --rescue-password secret
      node manage nosuch
      node manage
      node manage one --wait soon
      node manage one --provision-state active
      node manage one
      until one manageable
      node manage one
      node rescue one --rescue-password secret
      node undeploy one
      node rebuild one
      node abort one
      ${gone}
    `,
  },
  {
    name: 'provisioning: to active and back',
    files: {
      'steps.json': '[{"interface": "deploy", "step": "deploy", "args": {}, "priority": 50}]',
      'drive.json': '{"meta_data": {"name": "canary"}, "user_data": "x"}',
      'drive.iso': 'H4sIAAAAAAAAA2JgGAWjYBSMglEwCkbBKBgFAAAAAP//',
      'drive/openstack/latest/meta_data.json': '{"name": "canary"}',
    },
    commands: `
      ${available}
      ${shown}
      node validate one
      node deploy one --config-drive drive
      until one active
      ${shown}
      node delete one
      node provide one
      node manage one
      node set one --name uno
      node set uno --name one
      node set one --driver fake-hardware
      node set one --protected --protected-reason 'in use'
      node show one --fields protected protected_reason
      node undeploy one
      node rebuild one
      node unset one --protected
      node show one --fields protected protected_reason
      node rebuild one --config-drive drive.iso
      until one active
      node rebuild one --deploy-steps steps.json
      node rebuild one --config-drive '{"meta_data": {}}' --deploy-steps '[]'
      until one active
      node rebuild one --deploy-steps 'not json'
      node rebuild one --deploy-steps '[{"interface": "nosuch"}]'
      node rebuild one --deploy-steps '[{"interface": "deploy", "step": "nosuch", "args": {}}]'
      until one active
      node rescue one --rescue-password secret
      until one rescue
      ${shown}
      node rescue one --rescue-password secret
      until one rescue
      node unrescue one
      until one active
      node rescue one
      node rescue one --rescue-password ''
      node undeploy one
      until one available
      ${shown}
      node deploy one --deploy-steps - <<< [{"interface": "deploy", "step": "deploy", "args": {}, "priority": 50}]
      node deploy one --config-drive nosuch-file
      node deploy one --config-drive '{"nosuch": 1}'
      node deploy one --deploy-steps '{}'
      until one active
      node undeploy one
      until one available
      node deploy nosuch
      node maintenance set one
      node deploy one
      node manage one
      node maintenance unset one
      until one manageable
      node provide one
      until one available
      ${gone}
    `,
  },
  {
    name: 'provisioning: adopt, inspect, clean',
    files: { 'clean.json': '[{"interface": "deploy", "step": "erase_devices"}]' },
    commands: `
      ${manageable}
      node inspect one
      until one manageable
      ${shown}
      node adopt one
      until one active
      ${shown}
      node undeploy one
      until one available
      node manage one
      until one manageable
      node clean one --clean-steps '[]'
      node clean one --clean-steps '[{"interface": "nosuch", "step": "x"}]'
      node clean one --clean-steps '[{"interface": "deploy"}]'
      node clean one --clean-steps '{"a": 1}'
      node clean one
      node clean one --clean-steps nosuch.json
      node clean one --clean-steps '[{"interface": "bios", "step": "apply_configuration", "args": {"settings": [{"name": "virtualization", "value": "on"}]}}]'
      until one manageable
      ${shown}
      node bios setting list one
      node bios setting list one --long
      node bios setting list one --fields name value read_only
      node bios setting list one --fields nosuch
      node bios setting list one --long --fields name
      node bios setting show one virtualization
      node bios setting show one nosuch
      node bios setting list nosuch
      node bios setting show nosuch virtualization
      node clean one --clean-steps '[{"interface": "bios", "step": "factory_reset"}]'
      until one manageable
      node bios setting list one
      node set one --target-raid-config '{"logical_disks": [{"size_gb": 100, "raid_level": "1"}]}'
      node show one --fields target_raid_config
      node clean one --clean-steps '[{"interface": "deploy", "step": "nosuch"}]'
      until one clean failed
      node manage one
      until one manageable
      ${gone}
    `,
  },
  {
    name: 'provisioning: abort',
    commands: `
      ${manageable}
      node set one --deploy-interface direct --driver-info deploy_kernel=http://127.0.0.1:9/kernel --driver-info deploy_ramdisk=http://127.0.0.1:9/ramdisk
      node clean one --clean-steps '[{"interface": "deploy", "step": "erase_devices"}]'
      until one clean wait
      node abort one
      until one clean failed
      ${shown}
      node abort one
      node manage one
      until one manageable
      ${gone}
    `,
  },
  {
    name: 'power',
    commands: `
      ${manageable}
      node power on one
      until one power on
      node power on one --power-timeout 10
      until one power on
      node reboot one
      until one power on
      node reboot one --soft
      until one power on
      node reboot one --soft --power-timeout 10
      until one power on
      node power off one --soft --power-timeout 10
      until one power off
      node power off one
      until one power off
      node reboot one --power-timeout 10
      until one power on
      ${shown}
      node power off one
      until one power off
      node power on one --power-timeout -1
      node power on one --power-timeout 0
      node power on one --power-timeout soon
      node power on nosuch
      node power off nosuch
      node reboot nosuch
      node power on
      node maintenance set one
      node power on one
      until one power on
      node maintenance unset one
      ${gone}
    `,
  },
  {
    name: 'management and console',
    commands: `
      ${manageable}
      node boot device set one pxe
      node boot device show one
      node boot device set one pxe --persistent
      node boot device show one
      node boot device show one --supported
      node boot device set one cdrom
      node boot device set one nosuch
      node boot device set nosuch pxe
      node boot device show nosuch
      node boot mode set one uefi
      node boot mode set one nosuch
      node boot mode set nosuch bios
      node secure boot on one
      node secure boot on nosuch
      node secure boot off one
      node secure boot off nosuch
      node show one --fields boot_mode secure_boot
      node inject nmi one
      node inject nmi nosuch
      node console show one
      node console enable one
      until one manageable
      node console show one
      node show one --fields console_enabled
      node console disable one
      until one manageable
      node console show one
      node console enable nosuch
      node console disable nosuch
      node console show nosuch
      node set one --console-interface no-console
      node console show one
      node console enable one
      ${gone}
    `,
  },
  {
    name: 'vendor methods',
    commands: `
      ${manageable}
      node passthru list one
      node passthru list nosuch
      node passthru call one second_method --arg bar=kazoo
      until one manageable
      node passthru call one third_method_sync --arg bar=meow
      node passthru call one third_method_sync --arg bar=nosuch
      node passthru call one third_method_sync
      node passthru call one fourth_method_shared_lock --arg bar=woof --http-method POST
      until one manageable
      node passthru call one second_method --http-method GET
      node passthru call one second_method --http-method PUT --arg bar=kazoo
      node passthru call one second_method --http-method PATCH --arg bar=kazoo
      node passthru call one second_method --http-method DELETE
      node passthru call one nosuch
      node passthru call one third_method_sync --arg nonsense
      node passthru call nosuch second_method
      node passthru call one second_method --http-method nosuch
      node set one --vendor-interface no-vendor
      node passthru call one second_method --arg bar=kazoo
      driver passthru list fake-hardware
      driver passthru list nosuch
      driver passthru call fake-hardware nosuch
      driver passthru call fake-hardware nosuch --http-method GET --arg a=b
      driver passthru call fake-hardware nosuch --http-method PUT
      driver passthru call nosuch method
      ${gone}
    `,
  },
  {
    name: 'history',
    commands: `
      ${available}
      node set one --bios-interface no-bios
      node manage one
      until one manageable
      node clean one --clean-steps '[{"interface": "bios", "step": "factory_reset"}]'
      until one clean failed
      node history list one
      node history list one --long
      event=uuid <- node history list one
      node history get one {event}
      node history get one {99}
      node history list nosuch
      node history get nosuch {99}
      ${gone}
    `,
  },
];
