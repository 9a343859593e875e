/** Says `ready` and runs a program that does not; its end and its words become ours. */
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
