import { FIELDS } from './fields.js';
import { REQUESTS } from './requests.js';
import type { Newer } from './row.js';

/** Everything that came with 1.83 to 1.115, by version. */
export const NEWER: readonly Newer[] = [...FIELDS, ...REQUESTS];
