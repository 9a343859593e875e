/** As a shell has it: 128 and the signal's number. */
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a bench to its end. SIGINT, SIGTERM and SIGHUP fire the signal that it gets, whereupon it takes down what it
 * made as at any end; then the process ends with the status that a shell expects.
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
    // Mostly because of the interruption; but not all of it may have been taken down.
    console.error(error instanceof Error ? error.message : error);
  }
  if (status !== undefined) process.exit(status);
}
