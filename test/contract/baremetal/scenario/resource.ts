import type { Scenario } from '../scenario.js';

const node = 'node create --driver fake-hardware --name one --uuid {1}';

/** What every kind of record has: lists, shows and their refusals. */
const reads = (kind: string, ident: string, fields: string, sort = 'uuid') => `
  ${kind} list
  ${kind} list --long
  ${kind} list --fields ${fields}
  ${kind} list --fields nosuch
  ${kind} list --long --fields uuid
  ${kind} list --limit 1
  ${kind} list --limit 0
  ${kind} list --limit -1
  ${kind} list --sort ${sort}:desc
  ${kind} list --sort nosuch
  ${kind} list --marker ${ident}
  ${kind} list --marker {99}
  ${kind} list --marker ${ident} --limit 1 --sort ${sort}:asc
  ${kind} show ${ident}
  ${kind} show ${ident} --fields ${fields}
  ${kind} show ${ident} --fields nosuch
  ${kind} show {99}
  ${kind} show nosuch
  ${kind} show
`;

export const RESOURCE: readonly Scenario[] = [
  {
    name: 'chassis',
    commands: `
      chassis list
      chassis create
      anonymous=uuid <- chassis list
      chassis delete {anonymous}
      chassis create --uuid {21} --description 'row one' --extra a=1 --extra 'b={"c": 2}'
      chassis create --uuid {22} -f json
      chassis create --uuid {21}
      chassis create --uuid x
      chassis create --extra novalue
      chassis create --description ${'x'.repeat(256)}
      ${reads('chassis', '{21}', 'uuid description extra created_at updated_at')}
      chassis set {21} --description other --extra a=2 --extra z=9
      chassis show {21}
      chassis set {21}
      chassis set {99} --description x
      chassis unset {21} --extra a --description
      chassis unset {21} --extra nosuch
      chassis unset {21}
      chassis unset {99} --description
      chassis show {21}
      ${node} --chassis-uuid {21}
      chassis delete {21}
      node delete one
      chassis delete {21} {22} {99}
      chassis list
    `,
  },
  {
    name: 'ports',
    commands: `
      ${node}
      node create --driver fake-hardware --name two --uuid {2}
      bond=uuid <- port group create --node {1} --name bond
      port create 52:54:00:00:00:01 --node {1} --uuid {41} --extra a=1 --pxe-enabled true --physical-network physnet1 --local-link-connection switch_id=0a:1b:2c:3d:4e:5f --local-link-connection port_id=Eth1
      port create 52:54:00:00:00:02 --node {1} --uuid {42} --port-group {bond} --pxe-enabled false -f json
      port create 52:54:00:00:00:03 --node {2} --uuid {43} --is-smartnic -l hostname=h -l port_id=p
      port create 52:54:00:00:00:01 --node {1}
      port create 52:54:00:00:00:04 --node {99}
      port create not-a-mac --node {1}
      port create 52:54:00:00:00:05
      port create 52:54:00:00:00:05 --node {1} --pxe-enabled perhaps
      port create 52:54:00:00:00:05 --node {1} --port-group {99}
      port create 52:54:00:00:00:05 --node {1} --uuid x
      port create 52:54:00:00:00:05 --node {1} -l nosuch=1
      port create 52:54:00:00:00:05 --node {2} --port-group {bond}
      ${reads('port', '{41}', 'uuid address node_uuid local_link_connection portgroup_uuid pxe_enabled physical_network internal_info is_smartnic extra created_at updated_at')}
      port list --node one
      port list --node {2} --long
      port list --node nosuch
      port list --address 52:54:00:00:00:02
      port list --address 52:54:00:00:00:99
      port list --address nosuch
      port list --port-group {bond}
      port list --port-group bond
      port list --port-group nosuch
      port show --address 52:54:00:00:00:02
      port show --address 52:54:00:00:00:99
      port set {41} --address 52:54:00:00:00:11 --extra b=2 --pxe-disabled --physical-network physnet2 --local-link-connection port_id=Eth2
      port show {41}
      port set {41} --pxe-enabled --is-smartnic
      port set {41} --port-group {bond}
      port set {41} --node {2}
      port set {41} --node {1}
      port set {41} --address 52:54:00:00:00:02
      port set {41} --address nosuch
      port set {41} --pxe-enabled --pxe-disabled
      port set {41}
      port set {99} --address 52:54:00:00:00:12
      port show {41}
      port unset {41} --extra b --physical-network --port-group
      port unset {41} --is-smartnic
      port unset {41} --extra nosuch
      port unset {41}
      port unset {99} --physical-network
      port show {41}
      port delete {41} {42} {99}
      port delete {43}
      port list
      port group delete bond
      node delete one two
      node list
    `,
  },
  {
    name: 'port groups',
    commands: `
      ${node}
      node create --driver fake-hardware --name two --uuid {2}
      bond=uuid <- port group create --node {1} --name bond0 --address 52:54:00:00:00:21 --extra a=1 --mode 802.3ad --property miimon=100 --property 'x={"y": 1}' --support-standalone-ports
      port group create --node {1} --uuid {32}
      other=uuid <- port group create --node {1} --name bond8 --unsupport-standalone-ports
      port group create --node {1} --name bond0
      port group create --node {1} --address 52:54:00:00:00:21
      port group create --node {1} --address nosuch
      port group create --node {99}
      port group create
      port group create --node {1} --name 'not a name'
      port group create --node {1} --support-standalone-ports --unsupport-standalone-ports
      ${reads('port group', '{bond}', 'uuid address name node_uuid mode properties standalone_ports_supported internal_info extra created_at updated_at', 'name')}
      port group show bond0
      port group show --address 52:54:00:00:00:21
      port group list --node one
      port group list --node {2}
      port group list --node nosuch
      port group list --address 52:54:00:00:00:21
      port group list --address 52:54:00:00:00:99
      port group set bond0 --name bond1 --address 52:54:00:00:00:22 --extra b=2 --mode active-backup --property miimon=50 --unsupport-standalone-ports
      port group show bond1
      port group set bond1 --support-standalone-ports
      port group set bond1 --node {2}
      port group set bond1 --node {1}
      port group set bond1 --address nosuch
      port group set bond1
      port group set nosuch --name x
      port group show bond1
      port group unset bond1 --address --extra b --property miimon
      port group unset bond1 --property nosuch
      port group unset bond1
      port group unset nosuch --address
      port group unset bond1 --name
      port group show {bond}
      port create 52:54:00:00:00:31 --node {1} --uuid {44} --port-group {other}
      port create 52:54:00:00:00:32 --node {1} --uuid {45} --port-group {other} --pxe-enabled true
      port group delete {other}
      port delete {44} {45}
      port group delete {99}
      port group delete {bond}
      node delete one two
    `,
  },
  {
    name: 'volume connectors',
    commands: `
      ${node}
      node create --driver fake-hardware --name two --uuid {2}
      volume connector create --node {1} --type iqn --connector-id iqn.2026-11.org.example:one --uuid {51} --extra a=1
      node power off one
      until one power off
      volume connector create --node {1} --type iqn --connector-id iqn.2026-11.org.example:one --uuid {51} --extra a=1
      volume connector create --node {1} --type ip --connector-id 192.0.2.1 --uuid {52} -f json
      volume connector create --node {1} --type iqn --connector-id iqn.2026-11.org.example:one
      volume connector create --node {1} --type nosuch --connector-id x
      volume connector create --node {99} --type mac --connector-id 52:54:00:00:00:01
      volume connector create --node {1} --type mac
      ${reads('volume connector', '{51}', 'uuid node_uuid type connector_id extra created_at updated_at')}
      volume connector list --node one
      volume connector list --node {2}
      volume connector list --node nosuch
      volume connector set {51} --type wwpn --connector-id 5:0 --extra b=2
      volume connector show {51}
      volume connector set {51} --type ip --connector-id 192.0.2.1
      volume connector set {51} --node {2}
      volume connector show {51}
      volume connector set {51}
      volume connector set {99} --type ip
      volume connector unset {51} --extra b
      volume connector unset {51} --extra nosuch
      volume connector unset {51}
      volume connector unset {99} --extra b
      volume connector show {51}
      volume connector delete {51} {99}
      volume connector delete {52}
      volume connector list
      node delete one two
    `,
  },
  {
    name: 'volume targets',
    commands: `
      ${node}
      node create --driver fake-hardware --name two --uuid {2}
      node power off one
      until one power off
      volume target create --node {1} --type iscsi --boot-index 0 --volume-id vol-1 --uuid {53} --extra a=1 --property target_iqn=iqn.2026-11.org.example:t --property auth_password=canary
      volume target create --node {1} --type iscsi --boot-index 1 --volume-id vol-2 --uuid {54} -f json
      volume target create --node {1} --type iscsi --boot-index 0 --volume-id vol-3
      volume target create --node {1} --type iscsi --boot-index -1 --volume-id vol-3
      volume target create --node {1} --type iscsi --boot-index first --volume-id vol-3
      volume target create --node {99} --type iscsi --boot-index 3 --volume-id vol-3
      volume target create --node {1} --type iscsi
      ${reads('volume target', '{53}', 'uuid node_uuid volume_type properties boot_index extra volume_id created_at updated_at')}
      volume target list --node one
      volume target list --node {2}
      volume target list --node nosuch
      volume target set {53} --type fibre_channel --boot-index 5 --volume-id vol-9 --extra b=2 --property x=y
      volume target show {53}
      volume target set {53} --boot-index 1
      volume target set {53} --node {2}
      volume target show {53}
      volume target set {53}
      volume target set {99} --volume-id x
      volume target unset {53} --extra b --property x
      volume target unset {53} --property nosuch
      volume target unset {53}
      volume target unset {99} --extra b
      volume target show {53}
      volume target delete {53} {99}
      volume target delete {54}
      volume target list
      node delete one two
    `,
  },
  {
    name: 'deploy templates',
    files: {
      'steps.json': '[{"interface": "bios", "step": "apply_configuration", "args": {}, "priority": 10}]',
    },
    commands: `
      deploy template create CUSTOM_A --uuid {71} --extra a=1 --steps steps.json
      deploy template create CUSTOM_B --uuid {72} --steps '[{"interface": "raid", "step": "create_configuration", "args": {"logical_disks": []}, "priority": 0}]' -f json
      deploy template create CUSTOM_C --steps - <<< [{"interface": "bios", "step": "factory_reset", "args": {}, "priority": 3}]
      deploy template create CUSTOM_A --steps steps.json
      deploy template create not-a-trait --steps steps.json
      deploy template create CUSTOM_D --steps '[]'
      deploy template create CUSTOM_D --steps '[{"interface": "nosuch", "step": "x", "args": {}, "priority": 1}]'
      deploy template create CUSTOM_D --steps '[{"interface": "bios"}]'
      deploy template create CUSTOM_D
      ${reads('deploy template', '{71}', 'uuid name steps extra created_at updated_at')}
      deploy template show CUSTOM_A
      deploy template set CUSTOM_A --name CUSTOM_E --extra b=2 --steps '[{"interface": "bios", "step": "factory_reset", "args": {}, "priority": 1}]'
      deploy template show CUSTOM_E
      deploy template set CUSTOM_E --name CUSTOM_B
      deploy template set CUSTOM_E --name bad-name
      deploy template set CUSTOM_E --steps '[]'
      deploy template set CUSTOM_E
      deploy template set nosuch --name CUSTOM_F
      deploy template unset CUSTOM_E --extra b
      deploy template unset CUSTOM_E --extra nosuch
      deploy template unset CUSTOM_E
      deploy template unset nosuch --extra b
      deploy template show {71}
      deploy template delete {71} nosuch
      deploy template delete CUSTOM_B CUSTOM_C
      deploy template list
    `,
  },
  {
    name: 'allocations',
    commands: `
      node create --driver fake-hardware --name one --uuid {1} --resource-class gold
      node set one --owner me
      node power off one
      until one power off
      node add trait one CUSTOM_FAST
      node manage one
      until one manageable
      node provide one
      until one available
      allocation create --name first --uuid {81} --resource-class gold --trait CUSTOM_FAST --candidate-node one --owner me --extra a=1 --wait
      allocation show first
      node show one --fields instance_uuid allocation_uuid instance_info
      allocation create --name none --uuid {82} --resource-class gold --wait 20
      allocation create --name never --uuid {83} --resource-class nosuch
      allocation create --name first --resource-class gold
      allocation create --name x
      allocation create --resource-class gold --candidate-node nosuch
      allocation create --resource-class gold --trait bad-trait
      allocation create --resource-class gold --uuid x
      allocation create --resource-class gold --node one --name over
      ${reads('allocation', '{81}', 'uuid name state owner node_uuid last_error resource_class traits candidate_nodes extra created_at updated_at')}
      allocation list --node one
      allocation list --node nosuch
      allocation list --resource-class gold
      allocation list --state active
      allocation list --state error
      allocation list --state nosuch
      allocation list --owner me
      allocation set first --name renamed --extra b=2
      allocation show renamed
      allocation set renamed
      allocation set nosuch --name x
      allocation unset renamed --extra b
      allocation unset renamed --extra nosuch
      allocation unset renamed
      allocation unset nosuch --extra b
      allocation unset renamed --name
      allocation show {81}
      allocation delete none {83} nosuch
      allocation delete {81}
      allocation list
      node deploy one
      until one active
      node set one --instance-uuid {84}
      allocation create --node one --uuid {84} --name filled --resource-class gold --wait
      allocation show filled
      allocation delete filled
      node undeploy one
      until one available
      node delete one
      allocation list
    `,
  },
  {
    name: 'conductors and drivers',
    commands: `
      conductor list
      conductor list --long
      conductor list --fields hostname conductor_group alive drivers created_at updated_at
      conductor list --fields nosuch
      conductor list --limit 1
      conductor list --marker localhost
      conductor list --marker nosuch
      conductor list --sort hostname:desc
      conductor list --sort nosuch
      conductor show localhost
      conductor show localhost --fields hostname alive
      conductor show nosuch
      driver list
      driver list --long
      driver list --type dynamic
      driver list --type classic
      driver list --type nosuch
      driver list --fields name hosts type default_bios_interface enabled_bios_interfaces
      driver list --fields nosuch
      driver show fake-hardware
      driver show fake-hardware --fields name hosts type
      driver show fake-hardware --fields nosuch
      driver show nosuch
      driver property list fake-hardware
      driver property list nosuch
      driver raid property list fake-hardware
      driver raid property list nosuch
    `,
  },
];
