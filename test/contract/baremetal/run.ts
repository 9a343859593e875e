import { setTimeout as sleep } from 'node:timers/promises';
import type { Difference } from '../compare/walk.js';
import type { BaremetalClient, Command, Printed } from './client.js';
import { compare } from './compare.js';
import { leftOver } from './left-over.js';
import { outcomeOf } from './output.js';
import { type CommandStep, type Scenario, stepsOf, type UntilStep } from './scenario.js';

/** One command on both servers, in one form of output. */
export interface Execution {
  scenario: string;
  line: string;
  /** The subcommand: `node create`. */
  command: string;
  options: string[];
  form: 'default' | 'json';
  /** It ended with 0 on both. */
  good: boolean;
}

export interface Finding extends Difference, Pick<Execution, 'scenario' | 'line' | 'command' | 'form'> {}

export interface Run {
  executions: Execution[];
  findings: Finding[];
}

export interface Side {
  /** Base URL of the server itself, for waiting. */
  base: string;
  client: BaremetalClient;
  /** What the client is told is the server: a proxy, perhaps. */
  endpoint: string;
  kept: Map<string, string>;
}

/** Retries would hide what a command says of a conflict. */
const GLOBAL = ['--max-retries', '0'];
const READS = /(^| )(list|show|get|validate)$/;

export async function runScenario(scenario: Scenario, theirs: Side, ours: Side): Promise<Run> {
  const run: Run = { executions: [], findings: [] };
  try {
    for (const step of stepsOf(scenario)) {
      if ('until' in step) await waitOnBoth(scenario.name, step, theirs, ours, run);
      else await runStep(scenario.name, step, theirs, ours, run);
    }
  } finally {
    await Promise.all([leftOver(theirs.base), leftOver(ours.base)]);
  }
  return run;
}

async function runStep(scenario: string, step: CommandStep, theirs: Side, ours: Side, run: Run) {
  const command = commandOf(step.argv, ours.client.commands);
  const twice = command !== '' && READS.test(command) && !step.argv.includes('-f');
  for (const form of twice ? (['default', 'json'] as const) : (['default'] as const)) {
    const [their, our] = await Promise.all([perform(theirs, step, form), perform(ours, step, form)]);
    const options = step.argv.filter((word) => word.startsWith('--'));
    run.executions.push({
      scenario,
      line: step.line,
      command,
      options,
      form,
      good: their.status + our.status === 0,
    });
    for (const difference of compare(outcomeOf(their, theirs.endpoint), outcomeOf(our, ours.endpoint))) {
      run.findings.push({ scenario, line: step.line, command, form, ...difference });
    }
  }
}

async function perform(side: Side, step: CommandStep, form: 'default' | 'json'): Promise<Printed> {
  const { argv, stdin, keep } = step;
  const filled = argv.map((word) =>
    word.replaceAll(/\{(\w+)\}/g, (all, name: string) => side.kept.get(name) ?? all),
  );
  const more = form === 'json' || keep ? ['-f', 'json'] : [];
  const printed = await side.client.run([...GLOBAL, ...filled, ...more], stdin);
  // Without it {name} stays as it is, and both refuse what follows.
  if (keep && printed.status === 0) {
    const shown: unknown = JSON.parse(printed.stdout);
    const record = (Array.isArray(shown) ? shown[0] : shown) as Record<string, unknown>;
    const value = Object.entries(record).find(([name]) => name.toLowerCase() === keep.field)?.[1];
    side.kept.set(keep.name, String(value));
  }
  return printed;
}

/** The longest name of a command that the words begin with, after the global options; '' if there is none. */
function commandOf(argv: readonly string[], commands: Readonly<Record<string, Command>>): string {
  const words = argv.slice(
    argv.findIndex((word, at) => !word.startsWith('--') && !argv[at - 1]?.startsWith('--os-')),
  );
  for (let length = Math.min(words.length, 5); length > 0; length--) {
    const name = words.slice(0, length).join(' ');
    if (name in commands) return name;
  }
  return '';
}

/** A side that does not come to the state is a finding: what follows is looked at on both all the same. */
async function waitOnBoth(scenario: string, step: UntilStep, theirs: Side, ours: Side, run: Run) {
  const [their, our] = await Promise.all([until(theirs, step), until(ours, step)]);
  if (their === step.until && our === step.until) return;
  const line = `until ${step.node} ${step.until}`;
  run.findings.push({
    scenario,
    line,
    command: '',
    form: 'default',
    path: 'state',
    theirs: their,
    ours: our,
  });
}

const PATIENCE = 30_000;

/** @returns the state that was waited for, or what the server last said of the node */
async function until({ base, kept }: Side, { node, until: state }: UntilStep): Promise<string> {
  const ident = kept.get(node.replace(/^\{|\}$/g, '')) ?? node;
  const fields = 'provision_state,power_state,target_power_state,reservation,last_error';
  let text = '';
  for (const began = performance.now(); performance.now() - began < PATIENCE; ) {
    const answer = await fetch(`${base}/v1/nodes/${ident}?fields=${fields}`, {
      headers: { 'x-openstack-ironic-api-version': '1.78' },
    });
    text = await answer.text();
    const shown = JSON.parse(text) as Record<string, string | null>;
    if (answer.status >= 400) break;
    const isFree = shown['reservation'] === null && shown['target_power_state'] === null;
    if (isFree && (shown['provision_state'] === state || shown['power_state'] === state)) return state;
    await sleep(50);
  }
  return text;
}
