import { MACHINES } from './machine.js';
import type { Meant } from './row.js';
import { WIRE } from './wire.js';
import { WORDS } from './words.js';

/** Differences that are meant, and why. */
export const MEANT: readonly Meant[] = [...WIRE, ...WORDS, ...MACHINES];
