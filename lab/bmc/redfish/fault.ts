/** Faults of a Redfish service; several may be set at once, and `times` ends one after so many uses. */
export type RedfishFault = { times?: number } & (
  | { kind: 'dead' }
  /** Acts at once, and responds `delay` ms later. */
  | { kind: 'slow'; delay: number }
  /** Responds with this status without acting; `of` narrows it. */
  | { kind: 'status'; status: number; retryAfter?: number; message?: string; of?: Of }
  /** Acts, and the connection breaks before the response. */
  | { kind: 'lost-answer'; of?: Of }
  /** The connection breaks before the action. */
  | { kind: 'lost-request'; of?: Of }
  /** Restarts for `down` ms upon a request; `done`: after carrying the request out. */
  | { kind: 'restarts'; down: number; done?: true; of?: Of }
  /** InsertMedia succeeds and the slot shows the medium, but the machine never sees it. */
  | { kind: 'claims-media' }
  /** InsertMedia fails. */
  | { kind: 'refuses-media' }
  /** `status`: the power state it always reports; `control: 'ignores'`: accepts resets without effect. */
  | { kind: 'lying'; status?: 'On' | 'Off'; control?: 'ignores' }
  | { kind: 'wrong-password' }
  /** After so many refused logins it refuses every user, until its faults are set anew. */
  | { kind: 'locks-accounts'; after: number }
  /** Refuses sessions beyond this number. */
  | { kind: 'session-limit'; limit: number }
  /** Sends a body of so many bytes that are not JSON. */
  | { kind: 'junk'; bytes: number; of?: Of }
  /** Every collection has a next page. */
  | { kind: 'endless-pages' }
  /** The system links no Bios. */
  | { kind: 'hides-bios' }
  /** The BIOS does not apply these attributes at a start, and its settings object tells so. */
  | { kind: 'keeps-settings'; names: readonly string[] }
  | { kind: 'redirect'; to: string; of?: Of }
  /** An update's task fails with this text before anything is written. */
  | { kind: 'fails-update'; text: string }
  /** An update's task fails when half of the image was written: the component runs its recovery image. */
  | { kind: 'bricks-update' }
  /** The BMC cannot download an image. */
  | { kind: 'cannot-fetch' }
  /** Another client holds the update service. */
  | { kind: 'update-held' }
  /** Accepts HttpBootUri and keeps none, or refuses it. */
  | { kind: 'forgets-uri' }
  | { kind: 'refuses-uri' }
  /** The system's health; null: it reports none. */
  | { kind: 'health'; is: 'Warning' | 'Critical' | null }
  /** Tasks never end. */
  | { kind: 'endless-tasks' }
);
export type FaultKind = RedfishFault['kind'];
/** Requests of this method whose path contains this text. */
export interface Of {
  method?: string;
  path?: string;
}

export class RedfishFaults {
  #faults: { fault: RedfishFault; left: number }[] = [];
  #refused = 0;

  set(faults: readonly RedfishFault[]): void {
    this.#faults = faults.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
    this.#refused = 0;
  }

  has<K extends FaultKind>(kind: K): Extract<RedfishFault, { kind: K }> | undefined {
    return this.#entry(kind)?.fault as Extract<RedfishFault, { kind: K }> | undefined;
  }

  /** Like `has`, and uses up one of its `times`. */
  take<K extends FaultKind>(
    kind: K,
    method?: string,
    path?: string,
  ): Extract<RedfishFault, { kind: K }> | undefined {
    const entry = this.#faults.find(({ fault, left }) => {
      if (fault.kind !== kind || left <= 0) return false;
      const of = 'of' in fault ? fault.of : undefined;
      if (of?.method !== undefined && of.method !== method) return false;
      return of?.path === undefined || path?.includes(of.path) === true;
    });
    if (!entry) return undefined;
    entry.left--;
    return entry.fault as Extract<RedfishFault, { kind: K }>;
  }

  loginFailed(): void {
    this.#refused++;
  }

  /** Whether the account is locked. */
  get locked(): boolean {
    return this.#refused >= (this.has('locks-accounts')?.after ?? Number.POSITIVE_INFINITY);
  }

  #entry(kind: FaultKind) {
    return this.#faults.find(({ fault, left }) => fault.kind === kind && left > 0);
  }
}
