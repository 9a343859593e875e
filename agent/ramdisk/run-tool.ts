import { execFile } from 'node:child_process';

/** Runs a program of the build machine to its end. @throws Error with its last lines of output */
export async function runTool(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      {
        maxBuffer: 64 * 2 ** 20,
        env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        const why = missing
          ? 'is not installed'
          : `failed: ${(stderr || stdout).trim().split('\n').slice(-5).join(' | ')}`;
        reject(new Error(`${file} ${why}`, { cause: error }));
      },
    );
  });
}
