import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_UUID, TOKEN } from '../agent/fake-conductor.js';
import type { Exchange } from './exchange-recorder.js';

/** The exchanges of one agent, from its start to its end, with a conductor. */
export type Session = Exchange[];

/** Whether tests of `test/interop` write new recordings, which `test/contract` replays. */
export const toRecord = process.env['FERRIC_RECORD'] === '1';

const fileOf = (name: string) =>
  join(import.meta.dirname, `../../contract/agent/fixtures/ironic-21.4-${name}.json`);

export function readRecording(name: string): Session[] {
  return (JSON.parse(readFileSync(fileOf(name), 'utf8')) as { sessions: Session[] }).sessions;
}

/**
 * @param names values of this run (the node's UUID, directories, addresses) → their placeholders
 */
export function writeRecording(
  name: string,
  about: string,
  exchanges: readonly Exchange[],
  names: Readonly<Record<string, string>>,
): void {
  const sessions: Session[] = [];
  for (const exchange of exchanges) {
    const { method, path } = exchange.request;
    if (exchange.from === 'agent' && method === 'GET' && path === '/') sessions.push([]);
    sessions.at(-1)!.push(exchange);
  }
  writeFileSync(fileOf(name), `${JSON.stringify({ about, sessions: neutral(sessions, names) }, null, 1)}\n`);
}

/** Sessions without secrets and without values of one run. */
function neutral(sessions: readonly Session[], names: Readonly<Record<string, string>>): unknown {
  let text = JSON.stringify(sessions);
  for (const token of new Set([...text.matchAll(/"agent_token":"([^"]+)"/g)].map(([, given]) => given!)))
    text = text.replaceAll(token, TOKEN);
  for (const [own, general] of Object.entries(names)) text = text.replaceAll(own, general);
  return JSON.parse(text, (key, value: unknown) => {
    if (key === 'agent_verify_ca' && String(value).startsWith('-----BEGIN')) return 'CERTIFICATE';
    if (key === 'system_logs') return 'LOGS';
    return value;
  });
}

export const namesOf = (uuid: string, directory: string) => ({
  [uuid]: NODE_UUID,
  [directory]: '/var/lib/ironic',
});
