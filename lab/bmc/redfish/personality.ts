import type { MediaKind } from './machine.js';
import type { Quirks } from './quirks.js';

export interface Slot {
  id: string;
  name: string;
  types: readonly string[];
  /** 'upload': the slot takes no URL. */
  kind: MediaKind | 'upload';
}

export interface Personality {
  name: string;
  /** Vendor in the service root; null: absent. */
  vendor: string | null;
  product: string | null;
  redfish: string;
  manufacturer: string;
  model: string;
  firmware: string;
  system: string;
  manager: string;
  chassis: string;
  targets: readonly string[];
  resets: readonly string[];
  managerResets: readonly string[];
  /** Slots by the resource that has them. */
  slots: { systems: readonly Slot[]; managers: readonly Slot[] };
  /** The system's link leads to the manager's slots. */
  systemLinksToManager?: true;
  expand: boolean;
  sse: boolean;
  quirks: Partial<Quirks>;
}

const CD = ['CD', 'DVD'];
const USB = ['Floppy', 'USBStick'];
const ALL = [...CD, ...USB];
const RESETS = [
  'On',
  'ForceOff',
  'ForceRestart',
  'GracefulShutdown',
  'GracefulRestart',
  'Nmi',
  'PushPowerButton',
];
const TARGETS = ['None', 'Pxe', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'UefiHttp'];

const slot = (id: string, name: string, types: readonly string[], kind: Slot['kind']): Slot => ({
  id,
  name,
  types,
  kind,
});

/** The specification's service: media below system and manager, no quirks. */
const standard: Personality = {
  name: 'standard',
  vendor: 'Ferric Lab',
  product: 'Virtual BMC',
  redfish: '1.15.0',
  manufacturer: 'Ferric Lab',
  model: 'Virtual Machine',
  firmware: '1.0.0',
  system: '1',
  manager: 'BMC',
  chassis: '1',
  targets: TARGETS,
  resets: RESETS,
  managerResets: ['ForceRestart', 'GracefulRestart'],
  slots: {
    systems: [slot('Cd', 'Virtual CD', CD, 'cd'), slot('Usb', 'Virtual USB', USB, 'usb')],
    managers: [slot('Cd', 'Virtual CD', CD, 'cd'), slot('Usb', 'Virtual USB', USB, 'usb')],
  },
  expand: true,
  sse: true,
  quirks: {},
};

/** Shapes and names from captured trees: NVIDIA/libredfish, tests/mockups (MIT). Quirks as its clients report them. */
export const PERSONALITIES = {
  standard,
  dell: {
    ...standard,
    name: 'dell',
    vendor: 'Dell',
    product: 'Integrated Dell Remote Access Controller',
    redfish: '1.13.1',
    manufacturer: 'Dell Inc.',
    model: 'PowerEdge R750',
    firmware: '6.00.30.00',
    system: 'System.Embedded.1',
    manager: 'iDRAC.Embedded.1',
    chassis: 'System.Embedded.1',
    targets: [
      'None',
      'Pxe',
      'Floppy',
      'Cd',
      'Hdd',
      'BiosSetup',
      'Utilities',
      'UefiTarget',
      'SDCard',
      'UefiHttp',
    ],
    resets: [...RESETS, 'PowerCycle'],
    managerResets: ['GracefulRestart'],
    slots: {
      systems: [
        slot('1', 'VirtualMedia Instance 1', [...CD, 'USBStick'], 'cd'),
        slot('2', 'VirtualMedia Instance 2', [...CD, 'USBStick'], 'usb'),
      ],
      managers: [
        slot('CD', 'Virtual CD', CD, 'cd'),
        slot('RemovableDisk', 'Virtual Removable Disk', ['USBStick'], 'usb'),
      ],
    },
    quirks: {
      staleInserted: true,
      ejectBusy: 1_500,
      onConflict: 1_500,
      noHttpBootUri: true,
      tasksPurged: true,
      jobs: 'Oem/Dell/Jobs',
      singleExtendedInfo: true,
      enabledRefused: true,
    },
  },
  hpe: {
    ...standard,
    name: 'hpe',
    vendor: 'HPE',
    product: 'ProLiant DL385 Gen10 Plus v2',
    redfish: '1.6.0',
    manufacturer: 'HPE',
    model: 'ProLiant DL385 Gen10 Plus v2',
    firmware: 'iLO 5 v2.72',
    manager: '1',
    targets: [
      'None',
      'Cd',
      'Hdd',
      'Usb',
      'SDCard',
      'Utilities',
      'BiosSetup',
      'Pxe',
      'UefiShell',
      'UefiHttp',
      'UefiTarget',
    ],
    slots: {
      systems: [],
      managers: [slot('1', 'VirtualMedia', USB, 'usb'), slot('2', 'VirtualMedia', CD, 'cd')],
    },
    expand: false,
    sse: false,
    quirks: {
      modeReadOnly: true,
      postLock: 1_500,
      updateStaging: 'done',
      updateWithoutTask: true,
      noMultipart: true,
      nullNicState: true,
      biosSettings: 'settings',
      pendingHidden: true,
      bodyRequired: true,
      noHttpBootUri: true,
    },
  },
  lenovo: {
    ...standard,
    name: 'lenovo',
    vendor: 'Lenovo',
    product: null,
    manufacturer: 'Lenovo',
    model: 'ThinkSystem SR670 V2',
    firmware: '2.83',
    manager: '1',
    targets: ['None', 'Pxe', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'Diags', 'UefiTarget'],
    resets: ['On', 'Nmi', 'GracefulShutdown', 'GracefulRestart', 'ForceOn', 'ForceOff', 'ForceRestart'],
    slots: {
      systems: [],
      managers: [
        slot('RDOC1', 'VirtualMedia', ALL, 'upload'),
        slot('Remote1', 'VirtualMedia', ALL, 'upload'),
        slot('EXT1', 'VirtualMedia', ALL, 'cd'),
        slot('EXT2', 'VirtualMedia', ALL, 'usb'),
      ],
    },
    systemLinksToManager: true,
    quirks: {
      biosSettings: 'Pending',
      mediaByPatch: true,
      onceOnly: true,
      ifMatchRequired: true,
      noHttpBootUri: true,
    },
  },
  supermicro: {
    ...standard,
    name: 'supermicro',
    vendor: null,
    product: null,
    redfish: '1.11.0',
    manufacturer: 'Supermicro',
    model: 'SYS-821GE-TNHR',
    firmware: '01.01.01',
    manager: '1',
    targets: ['None', 'Pxe', 'Floppy', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'UsbCd', 'UefiBootNext', 'UefiHttp'],
    slots: {
      systems: [],
      managers: [
        slot('VirtualMedia1', 'Virtual Removable Media', ALL, 'cd'),
        slot('VirtualMedia2', 'Virtual Removable Media', ALL, 'usb'),
      ],
    },
    systemLinksToManager: true,
    sse: false,
    quirks: {
      actionInfoOnly: true,
      imageOnly: true,
      usbCd: true,
      ejectWhenInserted: true,
      staleImage: true,
      plainUrls: true,
      biosSettings: 'SD',
      pendingHidden: true,
      modeReverts: true,
    },
  },
  openbmc: {
    ...standard,
    name: 'openbmc',
    vendor: null,
    product: null,
    manufacturer: 'OpenBMC',
    model: 'Tiogapass',
    firmware: '2.14.0',
    system: 'system',
    manager: 'bmc',
    chassis: 'chassis',
    resets: [
      'On',
      'ForceOff',
      'ForceOn',
      'ForceRestart',
      'GracefulRestart',
      'GracefulShutdown',
      'PowerCycle',
      'Nmi',
    ],
    managerResets: ['GracefulRestart', 'ForceRestart'],
    slots: {
      systems: [],
      managers: [
        slot('Proxy_0', 'Virtual Removable Media', ALL, 'upload'),
        slot('Legacy_0', 'Virtual Removable Media', ALL, 'cd'),
      ],
    },
    quirks: { actionInfoOnly: true, transferProtocolRequired: true },
  },
  ami: {
    ...standard,
    name: 'ami',
    vendor: 'AMI',
    product: 'AMI Redfish Server',
    manufacturer: 'American Megatrends International, LLC.',
    model: 'MegaRAC',
    firmware: '13.2',
    system: 'Self',
    manager: 'Self',
    chassis: 'Self',
    slots: {
      systems: [],
      managers: [slot('CD1', 'CD', CD, 'cd'), slot('HD1', 'HD', USB, 'usb')],
    },
    quirks: {
      ifMatchRequired: true,
      biosSettings: 'SD',
      resetBiosType: true,
      bootSettings: 'SD',
      wholeOverride: true,
      weakEtagRefused: true,
    },
  },
} as const satisfies Record<string, Personality>;
export type PersonalityName = keyof typeof PERSONALITIES;
