// The life of an image in the Image service. Words and ways as in Glance (glance/domain), without its dead ends
// (`killed`, `pending_delete`): an upload that fails leads back to `queued`.

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
  | 'store' // all bytes are there and right
  | 'fail' // cut, refused, or the daemon ended
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
  // Whoever writes its bytes meanwhile finds no record, and leaves nothing.
  { from: 'queued', on: 'delete', to: 'deleted' },
  { from: 'saving', on: 'delete', to: 'deleted' },
  { from: 'uploading', on: 'delete', to: 'deleted' },
  { from: 'importing', on: 'delete', to: 'deleted' },
  { from: 'active', on: 'delete', to: 'deleted' },
  { from: 'deactivated', on: 'delete', to: 'deleted' },
];

/** Statuses in which `event` may come, and the one that it leads to. */
export function ways(event: ImageEvent): { from: ImageStatus[]; to: ImageStatus }[] {
  const rows = IMAGE_TRANSITIONS.filter(({ on }) => on === event);
  const targets = [...new Set(rows.map(({ to }) => to))];
  return targets.map((to) => ({ to, from: rows.filter((row) => row.to === to).map(({ from }) => from) }));
}
