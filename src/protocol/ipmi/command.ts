// Numbers of IPMI 2.0: Appendix G (commands), table 5-2 (completion codes), table 6-1 (privilege levels).

export const NET_FN = {
  chassis: 0x00,
  sensor: 0x04,
  app: 0x06,
  storage: 0x0a,
  transport: 0x0c,
  group: 0x2c,
} as const;

export const APP = {
  getDeviceId: 0x01,
  coldReset: 0x02,
  warmReset: 0x03,
  getSelfTest: 0x04,
  getDeviceGuid: 0x08,
  getSystemGuid: 0x37,
  getChannelAuthenticationCapabilities: 0x38,
  setSessionPrivilege: 0x3b,
  closeSession: 0x3c,
  getChannelInfo: 0x42,
  getChannelCipherSuites: 0x54,
} as const;

export const CHASSIS = {
  getCapabilities: 0x00,
  getStatus: 0x01,
  control: 0x02,
  identify: 0x04,
  setPowerRestorePolicy: 0x06,
  getRestartCause: 0x07,
  setBootOptions: 0x08,
  getBootOptions: 0x09,
} as const;

export const COMPLETION = {
  ok: 0x00,
  parameterNotSupported: 0x80,
  privilegeExceedsLimit: 0x81,
  invalidSessionId: 0x87,
  nodeBusy: 0xc0,
  invalidCommand: 0xc1,
  invalidForLun: 0xc2,
  timeout: 0xc3,
  outOfSpace: 0xc4,
  requestLengthInvalid: 0xc7,
  outOfRange: 0xc9,
  invalidField: 0xcc,
  noResponse: 0xce,
  updating: 0xd1,
  initializing: 0xd2,
  insufficientPrivilege: 0xd4,
  notInPresentState: 0xd5,
  disabled: 0xd6,
  unspecified: 0xff,
} as const;

/** Table 28-4. */
export const CHASSIS_CONTROL = {
  powerDown: 0,
  powerUp: 1,
  powerCycle: 2,
  hardReset: 3,
  diagnosticInterrupt: 4,
  softShutdown: 5,
} as const;

export const PRIVILEGE = { callback: 1, user: 2, operator: 3, administrator: 4 } as const;
export type PrivilegeName = keyof typeof PRIVILEGE;
