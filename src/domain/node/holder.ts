interface Reserved {
  /** Host name of the conductor. */
  readonly reservation: string | null;
  readonly reservation_expires_at: Date | null;
}

/** The conductor that holds the node; null: its reservation expired, or there is none. @param now ms since the epoch */
export function holderOf({ reservation, reservation_expires_at }: Reserved, now = Date.now()): string | null {
  return (reservation_expires_at?.getTime() ?? 0) > now ? reservation : null;
}
