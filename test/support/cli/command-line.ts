import { PassThrough } from 'node:stream';
import { runCli } from '../../../cli/run-cli.js';

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, as `cli/main.ts` would. */
export async function ferric(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
  retryFor = 0,
): Promise<CommandResult> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [collected(stdout), collected(stderr)];
  const status = await runCli(args, { stdout, stderr, environment, signal, retryFor });
  return { status, stdout: out(), stderr: err() };
}

function collected(stream: PassThrough): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  return () => text;
}
