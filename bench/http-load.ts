import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './median.js';

/** One kind of request, repeated on persistent connections. */
export interface Load {
  base: string;
  method: string;
  /** Paths, requested in rotation. */
  paths: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** `%d` in it is replaced by the request's number. */
  body?: string;
  connections: number;
  /** Seconds. */
  duration: number;
}

export interface LoadFigures {
  requests: number;
  /** Requests per second. */
  rate: number;
  /** Median and 99th percentile of the latency, ms. */
  p50: number;
  p99: number;
  /** Average size of a response, bytes. */
  size: number;
}

/** Longest duration of a load, seconds: a load without any response is extended up to it. */
const LONGEST = 100;

/** wrk calls `request` for each request, in one thread, and `done` at the end. */
const SCRIPT = `
local paths = {}
for path in io.lines(os.getenv("LOAD_PATHS")) do paths[#paths + 1] = path end
local body = os.getenv("LOAD_BODY")
local count = 0
wrk.method = os.getenv("LOAD_METHOD")
for name, value in os.getenv("LOAD_HEADERS"):gmatch("([^:\\n]+):([^\\n]+)") do wrk.headers[name] = value end
request = function()
  count = count + 1
  local filled = body and body:gsub("%%d", tostring(count))
  return wrk.format(nil, paths[(count - 1) % #paths + 1], nil, filled)
end
done = function(summary, latency)
  local faults = summary.errors
  io.write(string.format(
    '\\nfigures {"requests":%d,"micros":%d,"bytes":%d,"p50":%.3f,"p99":%.3f,"refused":%d,"broken":%d,"late":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    faults.status, faults.connect + faults.read + faults.write, faults.timeout))
end
`;

interface Summary {
  requests: number;
  micros: number;
  bytes: number;
  p50: number;
  p99: number;
  refused: number;
  broken: number;
  late: number;
}

/** Sends a load by wrk with one thread. */
export class LoadGenerator {
  readonly #script: string;
  readonly #paths: string;

  /** @param directory for wrk's input files */
  constructor(directory: string) {
    this.#script = join(directory, 'load.lua');
    this.#paths = join(directory, 'load.paths');
    writeFileSync(this.#script, SCRIPT);
  }

  /** @throws Error on an error response, on a broken connection, or without any response */
  async run(load: Load, signal: AbortSignal): Promise<LoadFigures> {
    writeFileSync(this.#paths, load.paths.map((path) => `${path}\n`).join(''));
    const headers = Object.entries({
      ...load.headers,
      ...(load.body ? { 'content-type': 'application/json' } : {}),
    });
    const args = [
      '-t1',
      `-c${load.connections}`,
      `-d${load.duration}s`,
      '--timeout',
      '60s',
      '-s',
      this.#script,
    ];
    const output = await outputOf([...args, load.base], signal, {
      LOAD_PATHS: this.#paths,
      LOAD_METHOD: load.method,
      LOAD_HEADERS: headers.map(([name, value]) => `${name}:${value}`).join('\n'),
      ...(load.body ? { LOAD_BODY: load.body } : {}),
    });
    const line = /^figures (.*)$/m.exec(output)?.[1];
    if (line === undefined) throw new Error(`wrk gave no figures:\n${output}`);
    const summary = JSON.parse(line) as Summary;
    const { requests, micros, bytes, p50, p99, refused, broken, late } = summary;
    if (refused + broken + late === 0 && requests === 0 && load.duration < LONGEST) {
      return this.run({ ...load, duration: load.duration * 4 }, signal);
    }
    if (refused + broken + late > 0 || requests === 0) {
      throw new Error(`${load.method} ${load.paths[0]} at ${load.base} went wrong: ${line}`);
    }
    return { requests, rate: requests / (micros / 1e6), p50, p99, size: bytes / requests };
  }
}

async function outputOf(args: string[], signal: AbortSignal, env: Record<string, string>): Promise<string> {
  const child = spawn('wrk', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    signal,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  }
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  return text;
}

/** The median of each figure. */
export function middle(all: readonly LoadFigures[]): LoadFigures {
  const of = (figure: keyof LoadFigures) => median(all.map((each) => each[figure]));
  return { requests: of('requests'), rate: of('rate'), p50: of('p50'), p99: of('p99'), size: of('size') };
}
