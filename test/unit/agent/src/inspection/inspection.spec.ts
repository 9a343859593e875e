import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentStopped } from '../../../../../agent/src/error.js';
import { Inspection } from '../../../../../agent/src/inspection/inspection.js';
import { inventory } from '../../../../../agent/src/machine/inventory.js';
import {
  agentSettings,
  parseKernelCommandLine,
} from '../../../../../src/protocol/agent/kernel-parameters.js';
import { FileMachine, MAC } from '../../../../support/agent/file-machine.js';

const { report: UPSTREAM } = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../../../contract/agent/fixtures/ironic-python-agent-inspection.json'),
    'utf8',
  ),
) as { report: Record<string, Record<string, unknown>> };

function bed(line: string, answers: ({ status: number; body?: unknown } | Error)[]) {
  const machine = new FileMachine();
  const posted: [string, Record<string, unknown>][] = [];
  const inspection = new Inspection({
    settings: agentSettings(parseKernelCommandLine(line)),
    log: { say: () => undefined, detail: () => undefined },
    machine,
    describe: () => inventory(machine, MAC),
    post: async (url, body) => {
      posted.push([url, JSON.parse(JSON.stringify(body)) as Record<string, unknown>]);
      const answer = answers.shift() ?? new Error('nothing more');
      if (answer instanceof Error) throw answer;
      return { body: undefined, text: '', ...answer };
    },
    pause: () => 0,
  });
  return { inspection, posted };
}
const URLS = 'ipa-inspection-callback-url=http://a/v1/continue_inspection,http://b/v1/continue_inspection';
const QUICK = `${URLS} ipa-inspection-collectors=default,pci-devices BOOTIF=01-52-54-00-12-34-56`;

describe('Inspection', () => {
  it('posts what OpenStack’s agent posts, field by field', async () => {
    const { inspection, posted } = bed(QUICK, [{ status: 202, body: { uuid: 'n' } }]);
    expect(await inspection.run()).toBe('n');
    const [[url, data]] = posted as [[string, Record<string, Record<string, unknown>>]];
    expect(url).toBe('http://a/v1/continue_inspection');
    const keys = (value: object) => Object.keys(value).toSorted();
    expect(keys({ root_disk: 0, ...data })).toEqual(keys(UPSTREAM));
    expect(keys(data['inventory']!)).toEqual(keys(UPSTREAM['inventory']!));
    for (const part of ['cpu', 'memory', 'system_vendor', 'boot']) {
      expect(keys(data['inventory']![part]!), part).toEqual(keys(UPSTREAM['inventory']![part]!));
    }
    const nic = (report: typeof UPSTREAM) => (report['inventory']!['interfaces'] as object[])[0]!;
    expect(keys(nic(data))).toEqual(keys(nic(UPSTREAM)));
    const pci = (report: typeof UPSTREAM) => (report['pci_devices'] as unknown as object[])[0]!;
    expect(keys(pci(data))).toEqual(keys(pci(UPSTREAM)));
    expect(data['inventory']).toMatchObject({ bmc_address: '10.9.8.7', boot: { pxe_interface: MAC } });
    expect(data['error']).toBeNull();
  });
  it('tries the next URL, and all again while nobody is there, busy or broken', async () => {
    const { inspection, posted } = bed(QUICK, [
      new Error('refused'),
      { status: 503 },
      { status: 409 },
      new Error('refused'),
      { status: 202, body: {} },
    ]);
    expect(await inspection.run()).toBeUndefined();
    expect(posted.map(([url]) => url.slice(7, 8)).join('')).toBe('abaab');
  });
  it.each<[string, ({ status: number } | Error)[], string]>([
    ['is refused', [{ status: 404 }], 'inspection was refused: 404'],
    ['finds nobody', Array.from({ length: 10 }, () => new Error('down')), 'could not be posted: http://b'],
  ])('gives up when it %s', async (_, answers, words) => {
    await expect(bed(QUICK, answers).inspection.run()).rejects.toThrow(words);
  });
  it('reports a collector that failed before it stops', async () => {
    const { inspection, posted } = bed(`${URLS} ipa-inspection-collectors=lldp`, [{ status: 202 }]);
    await expect(inspection.run()).rejects.toBeInstanceOf(AgentStopped);
    expect(posted[0]![1]['error']).toContain('collector lldp failed: this agent has no such collector');
  });
});

describe('kernel parameters of an inspection', () => {
  const read = (line: string) => agentSettings(parseKernelCommandLine(line));
  it('need no API where a callback is named, and take the API’s own otherwise', () => {
    expect(read(URLS)).toMatchObject({ apiUrls: [], inspectionCollectors: ['default', 'logs'] });
    expect(read('ipa-api-url=http://x').inspectionUrls).toEqual([]);
    expect(read('ipa-api-url=http://x ipa-inspection-collectors=default').inspectionUrls).toEqual([
      'http://x/v1/continue_inspection',
    ]);
    expect(() => read('ipa-inspection-callback-url=mdns')).toThrow('multicast DNS');
    expect(() => read('ipa-inspection-callback-url=x')).toThrow('must be an http or https URL');
    expect(() => read('')).toThrow('ipa-api-url: is missing');
  });
});
