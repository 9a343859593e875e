import { parseArgs } from 'node:util';
import type { Rack } from './rack.js';
import { sharedRoot } from './rack.js';
import { Screen } from './screen.js';
import { Show, StageFailure } from './show.js';

const USAGE = `usage: npm run demo -- [--uefi] [--tiny] [--keep] [--api-port N]
  Takes a virtual machine without an operating system from enroll to active, and shows what it says afterwards.
  --uefi        UEFI firmware instead of BIOS
  --tiny        a kernel and one program instead of a Debian: seconds to build
  --keep        stays up afterwards, until Ctrl-C, where there is no terminal too
  --api-port N  where the API is to be reached on the loopback; default 6385, any other when that is taken`;

/** Exit statuses as a shell's: 128 plus the signal's number. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

class Interrupted extends Error {
  constructor(readonly signal: keyof typeof STATUS) {
    super(`interrupted by ${signal}`);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      uefi: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      'api-port': { type: 'string', default: '6385' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const screen = new Screen(process.stdout);
  const abort = new AbortController();
  let spoken = false;
  for (const signal of Object.keys(STATUS) as (keyof typeof STATUS)[]) {
    process.on(signal, () => {
      if (!abort.signal.aborted)
        screen.print(`\n${spoken ? 'Stopping.' : 'Interrupted: stopping what was started.'}`);
      abort.abort(new Interrupted(signal));
    });
  }
  // EPIPE: the reader of the output has closed it.
  process.stdout.on('error', () => abort.abort(new Interrupted('SIGHUP')));
  const show = new Show(
    {
      firmware: values.uefi ? 'uefi' : 'bios',
      system: values.tiny ? 'tiny' : 'debian',
      root: sharedRoot().root,
      apiPort: Number(values['api-port']),
    },
    screen,
    abort.signal,
  );
  try {
    await show.run(async (rack, uuid) => {
      spoken = true;
      if (!screen.isTerminal && !values.keep) return;
      lookFurther(screen, rack, uuid);
      await new Promise<void>((resolve) => {
        abort.signal.addEventListener('abort', () => resolve());
        if (abort.signal.aborted) resolve();
      });
    });
    screen.say('done: nothing is left running');
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.say('stopped: nothing is left running');
      return STATUS[error.signal];
    }
    if (!(error instanceof StageFailure)) throw error;
    const { stage, logs, message } = error;
    process.stderr.write(`\nThe demo failed in this stage: ${stage}\n  why: ${message}\n`);
    for (const path of logs) process.stderr.write(`  log: ${path}\n`);
    return 1;
  }
}

function lookFurther(screen: Screen, rack: Rack, uuid: string): void {
  const { url } = rack.api;
  const baremetal = `baremetal --os-auth-type none --os-endpoint ${url}`;
  const { machine } = rack.lab.machine('demo1');
  const { namespace } = rack.lab.network;
  screen.title('To look further, in another terminal');
  screen.print(`  curl -s ${url}/v1/nodes/${uuid} | python3 -m json.tool
  curl -sN ${url}/v1/events/stream
  ${baremetal} node list
  ${baremetal} node show ${uuid}
  ${baremetal} node undeploy --wait 600 ${uuid}
  tail -f ${machine.console.logPath}
  tail -f ${rack.daemon.logPath}
  ip netns exec ${namespace} ip addr          (the rack's own network)`);
  screen.title('Ctrl-C takes everything down.');
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`demo: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
