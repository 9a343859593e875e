/** Exit statuses as a shell's: 128 plus the signal's number. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a bench to its end. SIGINT, SIGTERM and SIGHUP fire its abort signal; the bench then cleans up as at any end,
 * and the process exits with the status that a shell expects.
 */
export async function interruptible(bench: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  let status: number | undefined;
  for (const name of Object.keys(STATUS) as (keyof typeof STATUS)[]) {
    process.on(name, () => {
      status ??= STATUS[name];
      abort.abort(new Error(`interrupted by ${name}`));
    });
  }
  try {
    await bench(abort.signal);
  } catch (error) {
    if (status === undefined) throw error;
    // Usually the interruption itself, but the cleanup may have failed.
    console.error(error instanceof Error ? error.message : error);
  }
  if (status !== undefined) process.exit(status);
}
