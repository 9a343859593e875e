import { run } from '../process/run.js';

/** Hash of a password: crypt(5) with SHA-512. The password is passed by standard input: argument lists are public. */
export async function passwordHash(password: string): Promise<string> {
  return run('openssl', ['passwd', '-6', '-stdin'], { input: `${password}\n` });
}
