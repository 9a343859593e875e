import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addNodeEdits } from './node-edit.js';
import { addNodeReads } from './node-read.js';
import { addNodeVerbs } from './node-verbs.js';

/** `ferric node …` */
export function addNodeCommands(program: Command, shell: Shell): void {
  const node = program.command('node').description('machines: enrol, look at, deploy, power');
  addNodeReads(node, shell);
  addNodeEdits(node, shell);
  addNodeVerbs(node, shell);
}
