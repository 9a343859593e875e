/** Who asks, for events and logs. */
export interface Requester {
  request_id: string;
  user: string | null;
  project: string | null;
}
