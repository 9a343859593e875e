// The images that machines are deployed with, as the command makes them; `test/e2e/agent` has what the agent does then.
import { afterAll, expect, test } from 'vitest';
import { FakeConductor } from '../support/agent/fake-conductor.js';
import { bootMachine } from '../support/image-build/virtual-machine.js';
import { Workplace } from '../support/image-build/workplace.js';

const place = new Workplace('deploy-image');
afterAll(() => place.remove());

test('kernel and ramdisk with Ferric’s agent boot, and the agent calls in', async () => {
  await place.build('deploy', 'deploy', '--flavour', 'virtual');
  expect(await place.inspect('deploy.kernel')).toMatchObject({ kind: 'kernel' });
  expect(await place.inspect('deploy.initramfs')).toMatchObject({ kind: 'ramdisk' });
  const conductor = await FakeConductor.start();
  try {
    const api = `https://10.0.2.2:${new URL(conductor.url).port}`;
    await using machine = await bootMachine([
      ...['-kernel', place.path('deploy.kernel'), '-initrd', place.path('deploy.initramfs')],
      ...['-append', `console=ttyS0 ipa-api-url=${api} ipa-insecure=1 BOOTIF=01-52-54-00-12-34-56`],
    ]);
    const called = conductor.nextHeartbeat(600_000).catch((error: unknown) => {
      throw new Error(`no heartbeat; the end: ${machine.said().slice(-2_000)}`, { cause: error });
    });
    await called;
    expect(conductor.heartbeats[0]!.body.callback_url).toMatch(/^https:\/\/10\.0\.2\.15:9999$/);
  } finally {
    await conductor.stop();
  }
});
