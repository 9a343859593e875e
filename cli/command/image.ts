import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addBuildDeploy } from './build-deploy.js';
import { addBuildUser } from './build-user.js';
import { addImageCache } from './image-cache.js';
import { addImageList } from './image-list.js';
import { addImportVm } from './import-vm.js';
import { addInspect } from './inspect.js';
import { addImagePipeline } from './pipeline.js';

/** `ferric image …`; each command has a file of its own and is registered here. */
export function addImageCommands(program: Command, shell: Shell): void {
  const image = program.command('image').description('build, look into, import and list images');
  const build = image.command('build').description('build images: for users, or to deploy with');
  addBuildUser(build, shell);
  addBuildDeploy(build, shell);
  addImportVm(image, shell);
  addInspect(image, shell);
  addImageCache(image, shell);
  addImagePipeline(image, shell);
  addImageList(image, shell);
}
