import { run } from '../process/run.js';

/** crypt(5) by SHA-512. The password goes in by standard input: argument lists are public. */
export async function passwordHash(password: string): Promise<string> {
  return run('openssl', ['passwd', '-6', '-stdin'], { input: `${password}\n` });
}
