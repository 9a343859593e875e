import { readFileSync } from 'node:fs';
import type { Tapped } from './tap.js';

/** A request and its response. Secrets and values of one run are replaced by words in capitals. */
export interface Exchange {
  method: string;
  path: string;
  /** `X-OpenStack-Ironic-API-Version` of an agent's request. */
  version?: string;
  body?: unknown;
  /** 0: the connection broke before a response. */
  status: number;
  answer?: unknown;
}

/** One life of a ramdisk, from its first request to its power off. */
export interface Session {
  /** Requests of the agent to the daemon. */
  asked: Exchange[];
  /** Requests of the daemon to the agent. */
  told: Exchange[];
}

export interface Recording {
  /** Name and version. */
  agent: string;
  sessions: Session[];
}

/** Makes a recording from the tap's output. @throws Error if it contains no heartbeat */
export function recordingOf(tapped: string): Recording {
  const lines = tapped
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Tapped)
    .sort((a, b) => a.at - b.at);
  const sessions: Session[] = [];
  const neutral = new Neutral();
  let agent = '';
  for (const line of lines) {
    const exchange = neutral.exchange(line);
    agent = (exchange.body as { agent_version?: string } | undefined)?.agent_version ?? agent;
    let session = sessions.at(-1);
    if (!session || (line.from === 'agent' && session.told.length > 0 && line.path === '/')) {
      session = { asked: [], told: [] };
      sessions.push(session);
    }
    const list = line.from === 'agent' ? session.asked : session.told;
    // Repeated polls and heartbeats without news are recorded once.
    const same = line.from === 'agent' ? list : list.slice(-1);
    if (!same.some((one) => JSON.stringify(one) === JSON.stringify(exchange))) list.push(exchange);
  }
  if (agent === '') throw new Error('no heartbeat of an agent was recorded');
  return { agent: `ironic-python-agent ${agent}`, sessions };
}

export function readRecording(path: string): Recording {
  return JSON.parse(readFileSync(path, 'utf8')) as Recording;
}

/** A request of the daemon in the form of recordings. */
export function toldRequest(method: string, path: string, body: string): Omit<Exchange, 'status'> {
  const { status: _status, ...request } = new Neutral().exchange({
    ...{ from: 'daemon', at: 0, status: 0, answer: '', version: undefined },
    ...{ method, path, body },
  });
  return request;
}

const CERTIFICATE = /^-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\n?$/;
/** base64 of a gzip file with more content than a header. */
const CONFIG_DRIVE = /^H4sI[A-Za-z0-9+/=\s]{100,}$/;

class Neutral {
  exchange(line: Tapped): Exchange {
    const path = line.path.replace(/agent_token=[^&]+/, 'agent_token=TOKEN');
    return {
      method: line.method,
      path,
      ...(line.version === undefined ? {} : { version: line.version }),
      ...(line.body === '' ? {} : { body: this.value(JSON.parse(line.body)) }),
      status: line.status,
      ...(line.answer === '' ? {} : { answer: this.value(JSON.parse(line.answer)) }),
    };
  }

  private value(value: unknown, key = ''): unknown {
    if (Array.isArray(value)) return value.map((inner) => this.value(inner));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, this.value(inner, name)]),
      );
    }
    if (typeof value !== 'string') return value;
    if (key === 'agent_token' && value !== '******') return 'TOKEN';
    if (CERTIFICATE.test(value)) return 'CERTIFICATE';
    if (CONFIG_DRIVE.test(value)) return 'CONFIGDRIVE';
    return value;
  }
}
