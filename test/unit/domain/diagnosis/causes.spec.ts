import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAUSES, causeOf, type Evidence } from '../../../../src/domain/diagnosis/causes.js';
import { diagnose } from '../../../../src/domain/diagnosis/diagnose.js';
import { type Seen, seenText, stageOf } from '../../../../src/domain/diagnosis/progress.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const DHCP: Seen = { kind: 'dhcp', name: 'uefi_x64', bytes: 0, last_at: at(1) };
const LOADER: Seen = { kind: 'tftp', name: 'snponly.efi', bytes: 262_144, last_at: at(2) };
const SCRIPT: Seen = { kind: 'http', name: 'boot.ipxe', bytes: 300, last_at: at(3) };
const KERNEL: Seen = { kind: 'http', name: 'u/deploy_kernel', bytes: 9_000_000, last_at: at(4) };
const RAMDISK: Seen = { kind: 'http', name: 'u/deploy_ramdisk', bytes: 61_000_000, last_at: at(5) };
const DISC: Seen = { kind: 'http', name: 'media/x/boot.iso', bytes: 61_000_000, last_at: at(5) };
const LOOKUP: Seen = { kind: 'lookup', name: '', bytes: 0, last_at: at(6) };
const HEARTBEAT: Seen = { kind: 'heartbeat', name: '', bytes: 0, last_at: at(7) };

const timeout = (seen: readonly Seen[], hears_dhcp = true): Evidence => ({
  reason: 'timeout',
  error: null,
  step: 'deploy.deploy',
  seen,
  hears_dhcp,
});
const failed = (reason: Evidence['reason']): Evidence => ({ ...timeout([]), reason });

const CASES: readonly (readonly [string, Evidence])[] = [
  ['no-dhcp-request', timeout([])],
  ['not-seen', timeout([], false)],
  ['no-boot-file', timeout([DHCP])],
  ['no-kernel', timeout([DHCP, LOADER, SCRIPT])],
  ['no-ramdisk', timeout([DHCP, LOADER, SCRIPT, KERNEL])],
  ['silent-ramdisk', timeout([DHCP, LOADER, SCRIPT, KERNEL, RAMDISK])],
  ['silent-ramdisk', timeout([DISC], false)],
  ['no-heartbeat', timeout([LOOKUP, RAMDISK, DHCP])],
  ['agent-silent', timeout([DHCP, RAMDISK, LOOKUP, HEARTBEAT])],
  ['bmc-unreachable', failed('bmc-unreachable')],
  ['bmc-login', failed('bmc-authentication')],
  ['bmc-failed', failed('bmc-failed')],
  ['agent-unreachable', failed('agent-unreachable')],
  ['agent-failed', failed('agent-failed')],
  ['image-refused', failed('image-refused')],
  ['image-unavailable', failed('image-unavailable')],
  ['conductor-lost', failed('conductor-lost')],
  ['settings', failed('invalid')],
  ['program', failed('command-failed')],
  ['service-away', failed('unavailable')],
  ['unknown', failed('internal')],
  ['unknown', failed(null)],
];

describe('the cause of a failure', () => {
  it.each(CASES)('%s', (id, evidence) => {
    expect(causeOf(evidence).id).toBe(id);
  });

  it('has a case here for every row, and each row a sentence and a next step', () => {
    expect([...new Set(CASES.map(([id]) => id))]).toEqual(CAUSES.map(({ id }) => id));
    for (const { cause, next } of CAUSES) {
      expect(next.length).toBeGreaterThan(0);
      for (const sentence of [cause, ...next]) expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('names only configuration keys that exist', () => {
    const reference = readFileSync('docs/reference/configuration.md', 'utf8');
    const named = CAUSES.flatMap(({ cause, next }) =>
      [cause, ...next].flatMap((text) => text.match(/\b[a-z]+\.[a-z_]+\b/g) ?? []),
    ).filter((name) => !name.startsWith('driver_info.') && !name.startsWith('instance_info.'));
    expect(named.length).toBeGreaterThan(1);
    for (const name of named) expect(reference).toContain(`\`${name}\``);
  });
});

describe('what was seen', () => {
  it('is told in its order, with the bytes, and the last time', () => {
    expect(seenText([DHCP, LOADER, RAMDISK, LOOKUP])).toBe(
      'Seen: DHCP uefi_x64, TFTP snponly.efi (262144 bytes), HTTP u/deploy_ramdisk (61.0 MB), lookup by the agent; ' +
        'the last at 2026-01-01T00:00:06.000Z.',
    );
    expect(seenText([])).toBe('Nothing was seen of the machine on the network.');
    expect(stageOf([KERNEL, DHCP])).toBe('kernel');
  });
});

describe('a diagnosis', () => {
  const attempt = {
    kind: 'deploy',
    outcome: null,
    reason: null,
    error: null,
    waits_for: 'heartbeat',
    deadline: at(30),
    steps: [
      { interface: 'power', step: 'power_off', state: 'done' },
      { interface: 'deploy', step: 'deploy', state: 'waiting' },
      { interface: 'deploy', step: 'write_image', state: 'pending' },
    ],
    sightings: [DHCP],
  } as const;

  it('of work under way says what it waits for, and until when', () => {
    expect(diagnose(attempt, true)).toMatchObject({
      step: 'deploy.deploy',
      cause_id: null,
      cause:
        'It waits for the agent’s next heartbeat (deploy.deploy), until 2026-01-01T00:00:30.000Z at the latest.',
      next: [],
    });
    expect(diagnose({ ...attempt, waits_for: null, deadline: null, steps: [] }, true).cause).toBe(
      'It is under way.',
    );
  });

  it.each([
    ['succeeded', 'It succeeded.'],
    ['aborted', 'It was aborted on request.'],
    ['superseded', 'A later request took its place.'],
  ] as const)('of one that %s names no cause', (outcome, cause) => {
    expect(diagnose({ ...attempt, outcome }, true)).toMatchObject({ cause_id: null, cause, next: [] });
  });
});
