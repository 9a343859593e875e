import { describe, expect, it } from 'vitest';
import { shownName } from '../../../../src/netboot/published/shown-name.js';
import { unguessable } from '../../../../src/persistence/published-file/publication.js';

describe('shownName', () => {
  it('keeps the token of an image’s name out of the log, and all else in', () => {
    const node = '7daa1a92-c3d7-4add-aaed-66fcbba58912';
    expect(shownName(`agent_images/${node}/kFSw3cZ2HcVMUE5rqdLkQv9k3cJbqZkN`)).toBe(
      `agent_images/${node}/******`,
    );
    expect(shownName(`media/${unguessable()}.iso`)).toBe('media/******.iso');
    expect(shownName(`${unguessable()}/BIOS_2.0.EXE`)).toBe('******/BIOS_2.0.EXE');
    for (const name of [node, `${node}/deploy_ramdisk`, 'pxelinux.cfg/52-54-00-12-34-56', '']) {
      expect(shownName(name)).toBe(name);
    }
  });
});
