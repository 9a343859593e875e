// The statuses of an image in the Image service, and its transitions. As in Glance (glance/domain), without the dead
// ends `killed` and `pending_delete`: a failed upload returns the image to `queued`.

export const IMAGE_STATUSES = {
  queued: 'its record is there, its bytes are not',
  saving: 'its bytes come in',
  uploading: 'its bytes come in to be imported later (stage)',
  importing: 'its bytes are taken from the stage or from a URL',
  active: 'can be used',
  deactivated: 'kept, but nobody gets its bytes',
  deleted: 'gone',
} as const satisfies Record<string, string>;
export type ImageStatus = keyof typeof IMAGE_STATUSES;

export type ImageEvent =
  | 'upload' // PUT file
  | 'stage' // PUT stage
  | 'import'
  | 'store' // all bytes are stored and correct
  | 'fail' // cut off, refused, or the daemon stopped
  | 'deactivate'
  | 'reactivate'
  | 'delete';

interface ImageTransition {
  readonly from: ImageStatus;
  readonly on: ImageEvent;
  readonly to: ImageStatus;
}

export const IMAGE_TRANSITIONS: readonly ImageTransition[] = [
  { from: 'queued', on: 'upload', to: 'saving' },
  { from: 'saving', on: 'store', to: 'active' },
  { from: 'saving', on: 'fail', to: 'queued' },
  { from: 'queued', on: 'stage', to: 'uploading' },
  { from: 'uploading', on: 'fail', to: 'queued' },
  { from: 'uploading', on: 'import', to: 'importing' }, // glance-direct
  { from: 'queued', on: 'import', to: 'importing' }, // web-download
  { from: 'importing', on: 'store', to: 'active' },
  { from: 'importing', on: 'fail', to: 'queued' },
  { from: 'active', on: 'deactivate', to: 'deactivated' },
  { from: 'deactivated', on: 'reactivate', to: 'active' },
  // A concurrent writer of its bytes finds no record and removes what it wrote.
  { from: 'queued', on: 'delete', to: 'deleted' },
  { from: 'saving', on: 'delete', to: 'deleted' },
  { from: 'uploading', on: 'delete', to: 'deleted' },
  { from: 'importing', on: 'delete', to: 'deleted' },
  { from: 'active', on: 'delete', to: 'deleted' },
  { from: 'deactivated', on: 'delete', to: 'deleted' },
];

/** Statuses in which `event` is legal, grouped by the status that follows. */
export function ways(event: ImageEvent): { from: ImageStatus[]; to: ImageStatus }[] {
  const rows = IMAGE_TRANSITIONS.filter(({ on }) => on === event);
  const targets = [...new Set(rows.map(({ to }) => to))];
  return targets.map((to) => ({ to, from: rows.filter((row) => row.to === to).map(({ from }) => from) }));
}
