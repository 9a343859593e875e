import { spawn } from 'node:child_process';

export interface ProgramResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  /** Milliseconds until SIGKILL. Default 300 s. */
  timeout?: number;
  /** Exit codes that count as success. Default `[0]`. */
  accept?: readonly number[];
  input?: string;
  /** Variables besides the search path and the locale. */
  env?: Readonly<Record<string, string>>;
  /** Called with each piece of standard output as it arrives. */
  onOutput?: (text: string) => void;
}

/** A program failed to start or ended with an error. The message has its name and the end of its output. */
export class ProgramError extends Error {
  constructor(
    readonly file: string,
    readonly result: ProgramResult,
    detail: string,
  ) {
    super(`${file}: ${detail}`);
    this.name = 'ProgramError';
  }
}

const MAX_OUTPUT = 4 * 2 ** 20;

/**
 * Runs one program to its end, without a shell. No other code of the agent starts processes.
 * @throws ProgramError
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...options.env },
    });
    const result: ProgramResult = { exitCode: -1, stdout: '', stderr: '' };
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeout ?? 300_000);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      options.onOutput?.(text);
      if (result.stdout.length < MAX_OUTPUT) result.stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (result.stderr.length < MAX_OUTPUT) result.stderr += text;
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      reject(
        new ProgramError(file, result, error.code === 'ENOENT' ? 'is not in this ramdisk' : error.message),
      );
    });
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      result.exitCode = code ?? -1;
      if (late)
        return reject(
          new ProgramError(file, result, `did not end within ${(options.timeout ?? 300_000) / 1000} s`),
        );
      if ((options.accept ?? [0]).includes(result.exitCode)) return resolve(result);
      const said = (result.stderr.trim() || result.stdout.trim()).slice(-400);
      reject(
        new ProgramError(
          file,
          result,
          `${signal ? `ended by ${signal}` : `exit status ${code}`}${said ? `: ${said}` : ''}`,
        ),
      );
    });
    if (options.input !== undefined) child.stdin!.end(options.input);
  });
}
