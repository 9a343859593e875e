import type { FailureReason } from '../step/advance.js';
import { type Seen, type Stage, stageOf } from './progress.js';

/** What is known of an attempt that failed. */
export interface Evidence {
  /** The code of the failure; null: of an earlier version, which recorded none. */
  readonly reason: FailureReason | null;
  readonly error: string | null;
  /** `interface.step` that failed. */
  readonly step: string | null;
  readonly seen: readonly Seen[];
  /** Whether Ferric's DHCP serves the machines. Without it nobody knows whether a machine asked for an address. */
  readonly hears_dhcp: boolean;
}

/** A cause of failures, with the next step for the operator. */
export interface Cause {
  /** Stable, for scripts. */
  readonly id: string;
  readonly cause: string;
  readonly next: readonly string[];
  readonly fits: (evidence: Evidence) => boolean;
}

const code =
  (...reasons: FailureReason[]) =>
  ({ reason }: Evidence) =>
    reason !== null && reasons.includes(reason);

/** A timeout before the agent had a command to do: the ramdisk did not come so far. */
const stopped =
  (stage: Stage) =>
  ({ reason, seen }: Evidence) =>
    reason === 'timeout' && stageOf(seen) === stage;

const CONSOLE = 'Watch the machine’s console (serial or the BMC’s) while the request is repeated.';

/** Fits always. */
const UNKNOWN: Cause = {
  id: 'unknown',
  cause: 'The error says what is known.',
  next: ['Read the conductor’s log of that time, by the request id.'],
  fits: () => true,
};

/** Causes, the first that fits is told. The last one fits always. */
export const CAUSES: readonly Cause[] = [
  {
    id: 'no-dhcp-request',
    cause:
      'The machine was started, and no DHCP request of it arrived: its firmware does not boot from this network.',
    next: [
      'Compare the MAC address of the node’s port with that of the machine’s network card.',
      'Check cable, VLAN and, behind a router, the DHCP relay.',
      'Check that the firmware has network boot switched on for that card, and that boot mode and boot interface fit the machine.',
    ],
    fits: (evidence) => evidence.hears_dhcp && stopped('nothing')(evidence),
  },
  {
    id: 'not-seen',
    cause:
      'The machine was started, and nothing of it was seen: it fetched no boot file. Ferric’s DHCP is off, so nobody here knows whether it got an address.',
    next: [
      'Check the other DHCP server’s log for the MAC address of the node’s port, and that it names Ferric’s boot server.',
      'With virtual media or UEFI HTTP boot: check that the BMC reaches the boot HTTP server.',
      CONSOLE,
    ],
    fits: stopped('nothing'),
  },
  {
    id: 'no-boot-file',
    cause: 'The machine got an address, and fetched no boot file.',
    next: [
      'Check that TFTP (UDP 69) and the boot HTTP port of this conductor are reachable from the machine’s network.',
      'Check for a second DHCP server that names another boot server.',
      CONSOLE,
    ],
    fits: stopped('dhcp'),
  },
  {
    id: 'no-kernel',
    cause: 'The machine fetched its boot loader, and no kernel.',
    next: [
      'Check that the boot HTTP port is reachable from the machine’s network: firmware uses TFTP first, boot loaders HTTP.',
      'Try the other boot loader: driver_info.bootloader, or boot interface pxe instead of ipxe, for a network card that it cannot drive.',
      CONSOLE,
    ],
    fits: stopped('loader'),
  },
  {
    id: 'no-ramdisk',
    cause: 'The machine fetched the kernel, and not the ramdisk.',
    next: ['Check the machine’s memory and the network for losses of large transfers.', CONSOLE],
    fits: stopped('kernel'),
  },
  {
    id: 'silent-ramdisk',
    cause: 'The machine fetched all that it boots, and then nothing was heard of its agent.',
    next: [
      'Check that the agents’ API (agent.public_url) is reachable from the machine’s network, and its certificate.',
      'Check that the ramdisk has the drivers of this machine’s network card and disks.',
      CONSOLE,
    ],
    fits: stopped('ramdisk'),
  },
  {
    id: 'no-heartbeat',
    cause: 'The agent asked which node it is, and never sent a heartbeat.',
    next: [
      'Read the conductor’s log for refused heartbeats of this node: its address, token or callback URL.',
      CONSOLE,
    ],
    fits: stopped('lookup'),
  },
  {
    id: 'agent-silent',
    cause: 'The agent had reported, and then fell silent: the machine hangs, was reset, or lost its network.',
    next: ['Read the ramdisk’s log and the machine’s system event log.', CONSOLE],
    fits: stopped('heartbeat'),
  },
  {
    id: 'bmc-unreachable',
    cause: 'The BMC does not answer.',
    next: [
      'Check the BMC’s address in driver_info, its network and its power.',
      'Try the BMC’s own page from this machine.',
    ],
    fits: code('bmc-unreachable'),
  },
  {
    id: 'bmc-login',
    cause: 'The BMC refuses the login.',
    next: [
      'Set user name and password in driver_info. The BMC is not tried again until they change, since many lock an account.',
    ],
    fits: code('bmc-authentication'),
  },
  {
    id: 'bmc-failed',
    cause: 'The BMC answered, and could not do what was asked.',
    next: [
      'Read the BMC’s words in the error and its event log; a restart of the BMC often helps.',
      'Repeat the request.',
    ],
    fits: code('bmc-failed'),
  },
  {
    id: 'agent-unreachable',
    cause: 'The agent in the ramdisk does not answer the conductor any more.',
    next: ['Check the path from this conductor to the machine (TCP 9999) and the machine’s console.'],
    fits: code('agent-unreachable'),
  },
  {
    id: 'agent-failed',
    cause: 'The agent could not do the step on the machine.',
    next: [
      'Read the ramdisk’s log of this attempt (deploy.deploy_logs_local_path), and the machine’s disks.',
    ],
    fits: code('agent-failed'),
  },
  {
    id: 'image-refused',
    cause: 'The image is not what was promised, or is not permitted.',
    next: ['Check the image, its checksum and its format in instance_info; then repeat the request.'],
    fits: code('image-refused'),
  },
  {
    id: 'image-unavailable',
    cause: 'The image could not be fetched.',
    next: [
      'Check the image’s URL from this machine, and the room in the image cache; then repeat the request.',
    ],
    fits: code('image-unavailable'),
  },
  {
    id: 'conductor-lost',
    cause: 'The conductor died in a step that may not be done twice.',
    next: ['Repeat the request.'],
    fits: code('conductor-lost'),
  },
  {
    id: 'settings',
    cause: 'The node’s settings do not allow the step.',
    next: [
      'Correct what the error names; GET /v1/nodes/{node}/validate tells the rest. Then repeat the request.',
    ],
    fits: code('invalid', 'unsupported', 'not-found', 'conflict', 'forbidden'),
  },
  {
    id: 'program',
    cause: 'A program that the conductor runs failed.',
    next: ['Read the conductor’s log of that time, and check that the program is installed.'],
    fits: code('command-failed'),
  },
  {
    id: 'service-away',
    cause: 'A part of Ferric, or a service that it asks, was away.',
    next: ['Check GET /healthcheck/ready of the daemon; then repeat the request.'],
    fits: code('unavailable', 'database-away', 'locked', 'reservation-lost'),
  },
  UNKNOWN,
];

export function causeOf(evidence: Evidence): Cause {
  return CAUSES.find(({ fits }) => fits(evidence)) ?? UNKNOWN;
}
