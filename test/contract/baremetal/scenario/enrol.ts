import { type Scenario, uuid } from '../scenario.js';

const RACK = {
  chassis: [
    {
      uuid: uuid(101),
      description: 'rack one',
      extra: { row: 7 },
      nodes: [
        {
          uuid: uuid(102),
          name: 'rack-1',
          driver: 'fake-hardware',
          driver_info: { ipmi_password: 'canary' },
          properties: { cpus: 4 },
          portgroups: [
            {
              name: 'rack-1-bond',
              ports: [{ uuid: uuid(104), address: '52:54:00:00:01:01' }],
            },
          ],
          ports: [{ uuid: uuid(105), address: '52:54:00:00:01:02' }],
        },
      ],
    },
  ],
  nodes: [{ uuid: uuid(106), name: 'rack-2', driver: 'fake-hardware' }],
};
const PLAIN = {
  chassis: [
    {
      description: 'rack two',
      nodes: [
        {
          name: 'plain-1',
          driver: 'fake-hardware',
          portgroups: [{ name: 'plain-bond', ports: [{ address: '52:54:00:00:01:11' }] }],
          ports: [{ address: '52:54:00:00:01:12' }],
        },
      ],
    },
  ],
};
const YAML = `nodes:
  - name: yaml-1
    uuid: ${uuid(107)}
    driver: fake-hardware
    ports:
      - uuid: ${uuid(108)}
        address: "52:54:00:00:01:03"
`;
const FAULTS = {
  nodes: [
    { name: 'bad-1', driver: 'nosuch' },
    { name: 'bad-2', driver: 'fake-hardware', nosuch: 1 },
    { name: 'good', uuid: uuid(109), driver: 'fake-hardware', ports: [{ address: 'not-a-mac' }] },
  ],
};

export const ENROL: readonly Scenario[] = [
  {
    name: 'bulk enrolment from files',
    files: {
      'plain.json': JSON.stringify(PLAIN),
      'rack.json': JSON.stringify(RACK),
      'more.yaml': YAML,
      'faults.json': JSON.stringify(FAULTS),
      'broken.json': '{"nodes": [',
      'unknown.json': '{"ports": []}',
      'rack.txt': '',
    },
    commands: `
      create plain.json
      node list --fields name driver
      port list --fields address pxe_enabled
      port group list --fields name address
      node delete plain-1
      rack=uuid <- chassis list
      chassis delete {rack}
      create rack.json more.yaml
      node list
      node list --long
      port list --long
      port group list --long
      chassis list --long
      create rack.json
      create faults.json
      create broken.json
      create unknown.json
      create rack.txt
      create nosuch.json
      create
      node list
      node delete rack-1 rack-2 yaml-1 good
      chassis delete {101}
      port list
      chassis list
    `,
  },
];

export const SHELL: readonly Scenario[] = [
  {
    name: 'the shell itself',
    commands: `
      help
      help node create
      help nosuch
      complete
      complete --name ferric --shell none
      node list --help
      nosuch
      node nosuch
      --version
      -q node list
      --timing node list -f json
    `,
  },
];
