import { type Command, Option } from 'commander';
import { readText, refuseUnreadable } from '../../image-build/session/input-file.js';
import {
  BACKEND_NAMES,
  buildUserImage,
  chooseBackend,
  probeSource,
} from '../../image-build/user/build-user.js';
import { passwordHash } from '../../image-build/user/password.js';
import type { Access, UserImageRequest } from '../../image-build/user/request.js';
import { cacheDirectory, type GlobalOptions, type Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';
import { printPublished } from './published.js';
import { useSession } from './session.js';

interface UserCommandOptions extends GlobalOptions {
  type: UserImageRequest['kind'];
  distro: string;
  release?: string;
  mirror?: string;
  efi?: boolean;
  element: string[];
  package: string[];
  kernel: UserImageRequest['kernel'];
  size?: number;
  rootPasswordFile?: string;
  sshKey: string[];
  user?: string;
  base?: string;
  run: string[];
  backend?: string;
  output: string;
  json?: boolean;
}

export function addBuildUser(build: Command, shell: Shell): void {
  build
    .command('user')
    .description(
      'an image that users run: NAME.qcow2 with NAME.sha256; of a partition also NAME.vmlinuz and NAME.initrd',
    )
    .addOption(
      new Option(
        '--type <type>',
        'a disk with its partitions, or a root partition with kernel and ramdisk beside it',
      )
        .choices(['whole-disk', 'partition'])
        .makeOptionMandatory(),
    )
    .option(
      '--distro <name>',
      'debian, or what disk-image-builder knows (ubuntu, fedora, centos, …)',
      'debian',
    )
    .option('--release <name>', 'code name of the release, such as bookworm')
    .option('--mirror <url>', 'where packages come from (default: this machine’s apt sources)')
    .option('--efi', 'it must boot by UEFI (Debian’s whole disks boot by BIOS and UEFI anyway)')
    .option(
      '--element <name...>',
      'elements by disk-image-builder’s names, such as dhcp-all-interfaces, grub2',
      [],
    )
    .option('--package <name...>', 'packages to install besides', [])
    .addOption(
      new Option('--kernel <kind>', 'drivers of all machines, or of virtual ones only')
        .choices(['generic', 'cloud'])
        .default('generic'),
    )
    .option('--size <MiB>', 'of the root file system (default: what it takes, and some room)', mebibytes)
    .option(
      '--root-password-file <file>',
      'its first line becomes root’s password (default: root has none, and can’t log in by one)',
    )
    .option('--ssh-key <file...>', 'public keys that may log in, as root or as the --user', [])
    .option('--user <name>', 'make a user with sudo’s rights')
    .option(
      '--base <file>',
      'change this whole-disk image instead of making one of packages (Debian and its kin)',
    )
    .option(
      '--run <script...>',
      'with --base: programs of this machine to run inside it, after the packages',
      [],
    )
    .addOption(
      new Option('--backend <name>', 'how to build (default: the quickest that can)').choices(BACKEND_NAMES),
    )
    .option('-o, --output <name>', 'where the files go, without extension', 'my-image')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  disk-image-create debian baremetal dhcp-all-interfaces grub2 -o my-image
  = ferric image build user --type partition --element dhcp-all-interfaces grub2 -o my-image
  disk-image-create debian vm block-device-efi dhcp-all-interfaces -o my-image
  = ferric image build user --type whole-disk --efi --element dhcp-all-interfaces -o my-image
`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<UserCommandOptions>();
      const request = await requestOf(options);
      await probeSource(request, shell.signal);
      const { backend, reason } = chooseBackend(request, options.backend);
      if (!options.quiet) shell.stderr.write(`backend ${backend.name}: ${reason}\n`);
      const cache = cacheDirectory(options, shell);
      const published = await useSession(
        shell,
        options,
        `${options.output}.log`,
        (session) => buildUserImage(session, backend, request, cache),
        { output: options.output, cache },
      );
      printPublished(shell, published, options.json === true);
    });
}

async function requestOf(options: UserCommandOptions): Promise<UserImageRequest> {
  const { type, distro, release, mirror, efi, element, kernel, size, output } = options;
  if (release !== undefined && !/^[a-z0-9][a-z0-9.-]*$/.test(release))
    throw new UsageError(`not the name of a release: ${release}`);
  if (mirror !== undefined && !/^https?:/.test(mirror))
    throw new UsageError(`not a URL of a mirror: ${mirror}`);
  for (const name of options.package)
    if (!/^[a-z0-9][a-z0-9+.:~=-]*$/i.test(name)) throw new UsageError(`not the name of a package: ${name}`);
  if (options.run.length > 0 && options.base === undefined) throw new UsageError('--run wants a --base');
  if (options.base !== undefined) refuseUnreadable(options.base, '--base');
  for (const script of options.run) readText(script, '--run');
  return {
    kind: type,
    distro,
    ...(release === undefined ? {} : { release }),
    ...(mirror === undefined ? {} : { mirror }),
    ...(size === undefined ? {} : { size }),
    ...(options.base === undefined ? {} : { base: options.base }),
    scripts: options.run,
    efi: efi === true,
    elements: element,
    packages: options.package,
    kernel,
    output,
    access: await accessOf(options),
  };
}

/** /etc/passwd of Debian's base-passwd, and the users that systemd's packages add. */
const SYSTEM_USERS = [
  ...[
    'root',
    'daemon',
    'bin',
    'sys',
    'sync',
    'games',
    'man',
    'lp',
    'mail',
    'news',
    'uucp',
    'proxy',
    'www-data',
  ],
  ...['backup', 'list', 'irc', 'gnats', '_apt', 'nobody', 'messagebus', 'sshd', 'systemd-network'],
  ...['systemd-resolve', 'systemd-timesync'],
];

async function accessOf({ rootPasswordFile, sshKey, user }: UserCommandOptions): Promise<Access> {
  if (user !== undefined && !/^[a-z_][a-z0-9_-]{0,31}$/.test(user))
    throw new UsageError(`not a user's name: ${user}`);
  if (user !== undefined && SYSTEM_USERS.includes(user))
    throw new UsageError(
      user === 'root'
        ? '--user: root is there already; --ssh-key and --root-password-file without --user are for root'
        : `--user: ${user} is one of the system's own accounts`,
    );
  const sshKeys = sshKey.flatMap((file) => lines(file, '--ssh-key').filter((line) => !line.startsWith('#')));
  for (const key of sshKeys)
    if (/PRIVATE KEY/.test(key) || !/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+/.test(key))
      throw new UsageError('--ssh-key wants files of public keys');
  const password =
    rootPasswordFile === undefined ? undefined : lines(rootPasswordFile, '--root-password-file')[0];
  if (rootPasswordFile !== undefined && password === undefined)
    throw new UsageError(`--root-password-file: ${rootPasswordFile} holds no password`);
  return {
    sshKeys,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { rootPasswordHash: await passwordHash(password) }),
  };
}

function lines(file: string, option: string): string[] {
  return readText(file, option)
    .split('\n')
    .filter((line) => line !== '');
}

function mebibytes(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 64 || size > 2 ** 24)
    throw new UsageError(`not a size in MiB: ${text}`);
  return size;
}
