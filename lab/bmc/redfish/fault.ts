/** What can be wrong with a Redfish service; several at once are allowed, and `times` ends one after so many. */
export type RedfishFault = { times?: number } & (
  | { kind: 'dead' }
  /** Does what is asked at once, answers `delay` ms later. */
  | { kind: 'slow'; delay: number }
  /** Answers so and does nothing; `of` narrows it. */
  | { kind: 'status'; status: number; retryAfter?: number; message?: string; of?: Of }
  /** Does what is asked, and the connection breaks before the answer. */
  | { kind: 'lost-answer'; of?: Of }
  /** The connection breaks before anything is done. */
  | { kind: 'lost-request'; of?: Of }
  /** Restarts for `down` ms when it is asked; `done`: after it has done what it was asked. */
  | { kind: 'restarts'; down: number; done?: true; of?: Of }
  /** InsertMedia succeeds and shows a medium that no machine ever sees. */
  | { kind: 'claims-media' }
  /** InsertMedia fails. */
  | { kind: 'refuses-media' }
  /** `status`: the power state it always claims; `control: 'ignores'`: accepts resets, does nothing. */
  | { kind: 'lying'; status?: 'On' | 'Off'; control?: 'ignores' }
  | { kind: 'wrong-password' }
  /** After so many refused logins it knows no user any more, until its faults are set anew. */
  | { kind: 'locks-accounts'; after: number }
  /** No session beyond so many. */
  | { kind: 'session-limit'; limit: number }
  /** A body of so many bytes that are not JSON. */
  | { kind: 'junk'; bytes: number; of?: Of }
  /** Every collection has a next page. */
  | { kind: 'endless-pages' }
  | { kind: 'redirect'; to: string; of?: Of }
  /** Tasks never end. */
  | { kind: 'endless-tasks' }
);
export type FaultKind = RedfishFault['kind'];
/** Requests of this method and to paths that contain this. */
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

  /** As `has`, and one time less from then on. */
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

  /** Whether an account may be tried at all. */
  get locked(): boolean {
    return this.#refused >= (this.has('locks-accounts')?.after ?? Number.POSITIVE_INFINITY);
  }

  #entry(kind: FaultKind) {
    return this.#faults.find(({ fault, left }) => fault.kind === kind && left > 0);
  }
}
