import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../image-build/process/run.js';
import { freePort } from '../free-port.js';

export interface SshServer {
  port: number;
  /** Path of a private key that it accepts for root. */
  key: string;
  stop(): Promise<void>;
}

/** Debian's sshd on loopback, with a new host key and a new user key. */
export async function startSshServer(directory: string, port?: number): Promise<SshServer> {
  await mkdir(directory, { recursive: true });
  await mkdir('/run/sshd', { recursive: true });
  const path = (name: string) => join(directory, name);
  for (const name of ['host', 'user'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path(name)]);
  await copyFile(path('user.pub'), path('authorized'));
  const chosen = port ?? (await freePort());
  await writeFile(
    path('sshd_config'),
    [
      `Port ${chosen}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${path('host')}`,
      `AuthorizedKeysFile ${path('authorized')}`,
      `PidFile none`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'Subsystem sftp internal-sftp',
    ].join('\n'),
  );
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path('sshd_config'), '-E', path('sshd.log')]);
  for (
    let tries = 0;
    !(await readFile(path('sshd.log'), 'utf8').catch(() => '')).includes('Server listening');
    tries++
  ) {
    if (tries > 100 || server.exitCode !== null) throw new Error('sshd does not listen');
    await sleep(50);
  }
  return {
    port: chosen,
    key: path('user'),
    stop: async () => {
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
    },
  };
}
