/** Prints `ready`, then runs a program that does not; passes on its output and exit status. */
import { spawn } from 'node:child_process';

console.log('ready');
const [program, ...args] = process.argv.slice(2);
const child = spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit'] });
process.on('SIGTERM', () => child.kill());
child.on('error', (error) => {
  console.log(error.message);
  process.exit(1);
});
child.on('exit', (status) => process.exit(status ?? 0));
