import { readFileSync } from 'node:fs';
import { agentSettings, parseKernelCommandLine } from '../../src/protocol/agent/kernel-parameters.js';
import { Agent } from './agent.js';
import { ConsoleLog } from './agent-log.js';
import { readAuthorities } from './authorities.js';
import { messageOf } from './error.js';
import { RealMachine } from './machine/machine.js';
import { listNetworkInterfaces } from './machine/network-interface.js';
import { runProgram } from './run-program.js';
import { setUpStaticNetwork } from './static-network.js';
import { AGENT_VERSION } from './version.js';

const [, , task, file] = process.argv;
if (task === 'static-network' && file !== undefined) {
  const names = await setUpStaticNetwork(readFileSync(file, 'utf8'), {
    list: listNetworkInterfaces,
    ip: async (args) => void (await runProgram('ip', args)),
    say: (text) => console.error(text),
    resolvConf: '/etc/resolv.conf',
    wait: 30_000,
  });
  console.log(names.join(' '));
  process.exit(0);
}
const parameters = parseKernelCommandLine(readFileSync('/proc/cmdline', 'utf8'));
const log = new ConsoleLog(parameters.has('ipa-debug') && parameters.get('ipa-debug') !== '0');
log.say(`version ${AGENT_VERSION}, Node ${process.versions.node}`);
process.on('unhandledRejection', (error) => {
  log.say(`unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(70);
});
try {
  const authorities = readAuthorities();
  if (authorities !== undefined)
    log.say('servers may have the certificate authorities of this ramdisk’s cafile, too');
  const agent = new Agent({
    settings: agentSettings(parameters),
    authorities,
    machine: new RealMachine(),
    log,
    scratchDir: '/tmp',
    stateDir: '/run/ferric-agent',
    onRescued: () => process.exit(0), // init then starts the services that the user logs in to
  });
  await agent.start();
  // After the lock-down the agent must not end, though it has nothing left to do: init would start another.
  setInterval(() => undefined, 2 ** 30);
} catch (error) {
  log.say(`stopped: ${messageOf(error)}`);
  process.exit(1);
}
