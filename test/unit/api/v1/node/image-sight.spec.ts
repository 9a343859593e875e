import { expect, it } from 'vitest';
import type { Asked } from '../../../../../src/api/request/asked.js';
import { ImageSight, imagesOutside, namedImages } from '../../../../../src/api/v1/node/image-sight.js';

const SOURCE = '11111111-2222-4333-8444-000000000001';
const KERNEL = '11111111-2222-4333-8444-000000000002';

it.each([
  ...['image_source', 'kernel', 'ramdisk', 'boot_iso'].map((field) => ['instance_info', field]),
  ...['deploy', 'rescue'].flatMap((kind) =>
    ['kernel', 'ramdisk', 'iso'].map((part) => ['driver_info', `${kind}_${part}`]),
  ),
  ['driver_info', 'bootloader'],
])('%s.%s names an image, which its requester must see', (column, field) => {
  const named = namedImages({ [column!]: { [field!]: SOURCE, other: KERNEL } });
  expect([...named]).toEqual([[`${column}.${field}`, SOURCE]]);
});

it('an outside Image service is asked for each image once, whatever names it', async () => {
  const questions: string[] = [];
  const sight = new ImageSight(
    imagesOutside({
      sightOf: async (id, project) => {
        questions.push(`${id} for ${project}`);
        return { visible: true, parts: id === SOURCE ? { kernel_id: KERNEL, ramdisk_id: KERNEL } : {} };
      },
    }),
  );
  const asked = { scope: { project: 'p', allows: () => false } } as unknown as Asked;
  const node = { instance_info: { image_source: SOURCE, kernel: KERNEL, ramdisk: `glance://${KERNEL}` } };
  await sight.demandDeployable(node, asked);
  expect(questions).toEqual([`${SOURCE} for p`, `${KERNEL} for p`]);
  await sight.demand(namedImages(node), asked);
  expect(questions).toHaveLength(4);
});
