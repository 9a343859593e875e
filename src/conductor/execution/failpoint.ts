/**
 * Named places where a fault test can kill the daemon: `deploy.write_image.before` or `...#2` for the second time.
 * Names: `<operation kind>.<step>.before|after` around each step, `<kind>.end` before the last commit.
 */
export type Failpoint = (name: string) => void;

/** @param spec from `conductor.failpoint`; null makes every place a no-op */
export function createFailpoint(spec: string | null): Failpoint {
  if (!spec) return () => {};
  const [wanted, count = '1'] = spec.split('#');
  let left = Number(count);
  return (name) => {
    if (name === wanted && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
