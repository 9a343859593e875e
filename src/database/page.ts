/** One page of a listing. */
export interface Page {
  limit: number;
  /** uuid of the last item of the previous page. */
  marker?: string;
  sort_key?: string;
  sort_dir?: 'asc' | 'desc';
}

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Whether PostgreSQL accepts the text for a uuid column, with or without dashes. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
