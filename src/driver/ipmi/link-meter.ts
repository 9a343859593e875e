import { reading } from '../../platform/meter/meter.js';
import type { LinkChoice } from './link-choice.js';
import { PACKET_FATES, type Traffic } from './native/traffic.js';

/** Registers packets of the native link, and BMCs that ipmitool has taken over. */
export function meterTraffic(traffic: Traffic, link: Pick<LinkChoice, 'held'>): void {
  reading('ipmi_packets_total', () =>
    PACKET_FATES.map((fate) => ({ labels: { fate }, value: traffic.counts[fate] })),
  );
  reading('ipmi_held_bmcs', () => [{ labels: {}, value: link.held }]);
}
