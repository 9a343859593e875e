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
export function quirksOf(personality: { quirks: Partial<Quirks> }, switched: Partial<Quirks> = {}): Quirks {
  return { ...NONE, ...personality.quirks, ...switched };
}
