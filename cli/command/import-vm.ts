import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { importMachine, probeImport } from '../../image-build/import/import-machine.js';
import { diskOfDomain } from '../../image-build/import/machine-disk.js';
import type { PublishedFile } from '../../image-build/session/artefact.js';
import type { BuildSession } from '../../image-build/session/build-session.js';
import { refuseUnreadable } from '../../image-build/session/input-file.js';
import { type ImageApi, type ImageRecord, imageApi } from '../api/image-api.js';
import { ApiError } from '../exit-status.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';
import { printPublished } from './published.js';
import { useSession } from './session.js';

/** https://docs.openstack.org/api-ref/image/v2/ "visibility" */
const VISIBILITIES = ['public', 'community', 'shared', 'private'];

interface ImportOptions extends GlobalOptions {
  domain?: string;
  connect?: string;
  name?: string;
  visibility?: string;
  add: boolean;
  sysprep?: boolean;
  sparsify?: boolean;
  output?: string;
  json?: boolean;
}

export function addImportVm(image: Command, shell: Shell): void {
  image
    .command('import-vm')
    .argument('[disk]', 'the disk file of a machine that is shut down')
    .description(
      'make an image of a virtual machine: its disk is checked, converted, summed, and added to the Image service',
    )
    .option('--domain <name>', 'the machine as libvirt knows it, instead of a file')
    .option('--connect <uri>', 'where its libvirt is, as for virsh')
    .option(
      '--sysprep',
      'make it a template first: host keys, machine id, logs go (virt-sysprep, on the copy)',
    )
    .option('--sparsify', 'give back what its file systems do not use (virt-sparsify)')
    .option('--name <name>', 'of the image (default: that of the machine or file)')
    .addOption(
      new Option('--visibility <who>', 'who sees it (default: as the Image service has it)').choices(
        VISIBILITIES,
      ),
    )
    .option('--no-add', 'only make the file; do not add it to the Image service')
    .option('-o, --output <name>', 'where the file goes, without extension (default: the name)')
    .option('--json', 'the result as JSON')
    .action(async (disk: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ImportOptions>();
      if ((disk === undefined) === (options.domain === undefined))
        throw new UsageError('import-vm wants a disk file or --domain, one of them');
      const wishes = { sysprep: options.sysprep === true, sparsify: options.sparsify === true };
      probeImport(wishes);
      const file = disk ?? (await diskOfDomain(options.domain!, options.connect));
      refuseUnreadable(file, 'the disk');
      const name = options.name ?? options.domain ?? basename(file, extname(file));
      const output = options.output ?? name;
      const api = options.add ? imageApi(options, shell) : undefined;
      await api?.list(); // a wrong endpoint or login is reported before the work
      const result = await useSession(
        shell,
        options,
        `${output}.log`,
        async (session) => {
          const { image: made } = await importMachine(session, file, output, wishes);
          const added = api && (await addImage(session, api, name, options.visibility, made));
          return { made, added };
        },
        { output },
      );
      if (options.json)
        print(shell, JSON.stringify({ files: [result.made], image: result.added ?? null }, null, 2));
      else {
        printPublished(shell, [result.made], false);
        if (result.added) print(shell, `added to the Image service as ${result.added.id}`);
      }
    });
}

/** Uploads a file. The record is deleted again if the upload fails or the service reports another checksum. */
async function addImage(
  session: BuildSession,
  api: ImageApi,
  name: string,
  visibility: string | undefined,
  file: PublishedFile,
): Promise<ImageRecord> {
  return session.stage('add to Image service', async (stage) => {
    const { id } = await api.create({
      name,
      ...(visibility === undefined ? {} : { visibility }),
      disk_format: 'qcow2',
      container_format: 'bare',
    });
    try {
      const sent = await api.upload(id, file.path, (bytes) => stage.bytes(bytes));
      const image = await api.show(id);
      if (image.status !== 'active') throw new ApiError(`image ${id} is ${image.status} after its upload`);
      if (image.checksum !== null && image.checksum !== sent.md5)
        throw new ApiError(`image ${id} has arrived with another checksum than it was sent with`);
      stage.note(id);
      return image;
    } catch (error) {
      await api.remove(id);
      throw error;
    }
  });
}
