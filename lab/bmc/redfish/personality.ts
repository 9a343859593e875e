import type { MediaKind } from './machine.js';

/** Deviations of a service from the specification; each is off unless set. */
export interface Quirks {
  /** Only ActionInfo lists the allowed values of Reset. */
  actionInfoOnly: boolean;
  /** An ejected slot still shows its image and Inserted: true. */
  staleInserted: boolean;
  /** An ejected slot still shows its image; only ConnectedVia reveals that it is empty. */
  staleImage: boolean;
  /** ms after an eject during which an insert fails with 500. */
  ejectBusy: number;
  /** ms after ForceOff during which On is refused with 409. */
  onConflict: number;
  /** ms after a change of power during which Boot is read-only. */
  postLock: number;
  /** BootSourceOverrideMode is read-only: any write of it is refused. */
  modeReadOnly: boolean;
  /** A change of the override without the mode resets the mode to Legacy. */
  modeReverts: boolean;
  /** Mode, Enabled and Target must be written together. */
  wholeOverride: boolean;
  /** InsertMedia refuses Inserted and WriteProtected. */
  imageOnly: boolean;
  /** The virtual CD is the boot target UsbCd. */
  usbCd: boolean;
  /** Virtual media has no actions: slots are written by PATCH. */
  mediaByPatch: boolean;
  /** EjectMedia is absent while a slot is empty. */
  ejectWhenInserted: boolean;
  /** The override supports Once only, not Continuous. */
  onceOnly: boolean;
  /** Changes require If-Match. */
  ifMatchRequired: boolean;
  /** If-Match with the weak ETag as sent is refused; without W/ it is accepted. */
  weakEtagRefused: boolean;
  /** Boot is writable only in the settings object of this name. */
  bootSettings: string | null;
  /** InsertMedia requires TransferProtocolType. */
  transferProtocolRequired: boolean;
  /** InsertMedia requires UserName and Password. */
  mediaLoginRequired: boolean;
  /** URLs of media must not have a query. */
  plainUrls: boolean;
  /** Actions without a body are refused: {} is required. */
  bodyRequired: boolean;
  /** Ports do not report whether they are enabled. */
  nullNicState: boolean;
  /** HttpBootUri is absent. */
  noHttpBootUri: boolean;
  /** A finished task is deleted. */
  tasksPurged: boolean;
  /** The collection of tasks is not there. */
  tasksHidden: boolean;
  /** Path below the manager of a list of jobs, which outlive their tasks. */
  jobs: string | null;
  /** A stored image of BIOS or network adapter: its task waits for the reset, or is done before. */
  updateStaging: 'waits' | 'done';
  /** The response to an update names no task. */
  updateWithoutTask: boolean;
  /** ms from a start of the machine, or from an upload, until an image is written. */
  updateTime: number;
  /** Allowed values of SimpleUpdate's TransferProtocol. */
  updateProtocols: readonly string[];
  noSimpleUpdate: boolean;
  noMultipart: boolean;
  /** @Message.ExtendedInfo is one object instead of a list. */
  singleExtendedInfo: boolean;
  /** Secure Boot requires a licence that is absent: 403. */
  secureBootUnlicensed: boolean;
  /** The response to a login has no body. */
  sessionWithoutBody: boolean;
  /** A second system that is not a host: all its optional fields are null. */
  secondSystem: boolean;
  /** Last segment of the path of the BIOS's settings object. */
  biosSettings: string;
  /** The BIOS's settings object has no Attributes while nothing is pending. */
  pendingHidden: boolean;
  /** ms from a start of the machine until its BIOS has applied pending settings. */
  biosDelay: number;
  /** ResetBios takes a required ResetType, which its ActionInfo describes. */
  resetBiosType: boolean;
  /** NetworkAdapters are refused with 400 while the machine is off. */
  adaptersAfterPost: boolean;
  /** An enabled override refuses a write of Target with the value of Enabled that it already has. */
  enabledRefused: boolean;
}

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

const NONE: Quirks = {
  actionInfoOnly: false,
  staleInserted: false,
  staleImage: false,
  ejectBusy: 0,
  onConflict: 0,
  postLock: 0,
  modeReadOnly: false,
  modeReverts: false,
  wholeOverride: false,
  imageOnly: false,
  usbCd: false,
  mediaByPatch: false,
  ejectWhenInserted: false,
  onceOnly: false,
  ifMatchRequired: false,
  weakEtagRefused: false,
  bootSettings: null,
  transferProtocolRequired: false,
  mediaLoginRequired: false,
  plainUrls: false,
  bodyRequired: false,
  nullNicState: false,
  noHttpBootUri: false,
  tasksPurged: false,
  tasksHidden: false,
  jobs: null,
  updateStaging: 'waits',
  updateWithoutTask: false,
  updateTime: 20,
  updateProtocols: ['HTTP', 'HTTPS'],
  noSimpleUpdate: false,
  noMultipart: false,
  singleExtendedInfo: false,
  secureBootUnlicensed: false,
  sessionWithoutBody: false,
  secondSystem: false,
  biosSettings: 'Settings',
  pendingHidden: false,
  biosDelay: 0,
  resetBiosType: false,
  adaptersAfterPost: false,
  enabledRefused: false,
};

/** A personality's quirks, with overrides. */
export function quirksOf(personality: Personality, switched: Partial<Quirks> = {}): Quirks {
  return { ...NONE, ...personality.quirks, ...switched };
}
