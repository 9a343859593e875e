import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stepsOf } from '../../../../image-build/pipeline/graph.js';
import { changeOf, inputsOf, planSteps, type StepRecords } from '../../../../image-build/pipeline/plan.js';
import { type Recipe, readRecipe } from '../../../../image-build/pipeline/recipe.js';
import { STEP_NAMES } from '../../../../image-build/pipeline/step-name.js';
import { SAMPLE } from '../../../support/pipeline/seed.js';

let workspace: string;
const write = async (path: string, text: string) => {
  await mkdir(join(workspace, path, '..'), { recursive: true });
  await writeFile(join(workspace, path), text);
};
const recipe = (set: Record<string, string> = {}): Promise<Recipe> =>
  readRecipe(join(workspace, 'build/sample.yml'), { workspace, set });

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'ferric-pipeline-'));
  await write('build/sample.yml', SAMPLE);
  await write('config/scripts/repo_setup_rhel_osp8_nokia.j2', 'echo {{ artib_release }}\n');
  await write('config/scripts/undercloud_convert_rhel_osp.j2', 'echo convert\n');
  await write(
    'config/scripts/nokia-package-install.sh.j2',
    "yum install {{ artib_overcloud_packages|join(' ') }}\n",
  );
  await write(
    'config/templates/nokia-dib-manifest-default.yaml.j2',
    `disk_images:
  - imagename: overcloud-full
    distro: {{ artib_agent_ramdisk_distro | default(artib_base_os) }}
    elements: [baremetal grub2]
    environment:
      DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/overcloud-base.qcow2"
      ELEMENTS_PATH: "{{ artib_dib_elements_path|join(':') }}"
  - imagename: ironic-python-agent
    distro: rhel7
    elements: [ironic-agent]
    environment: {DIB_LOCAL_IMAGE: "{{ artib_working_dir }}/minimal-base.qcow2"}
`,
  );
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

/** Every step done, each output's sum after its step. */
function allDone(steps: ReturnType<typeof stepsOf>, outside: Record<string, string>): StepRecords {
  const records: StepRecords = {};
  for (const step of steps) {
    const outputs = Object.fromEntries(
      step.outputs.map((name) => [name.replace('.*', '.qcow2'), { sha256: `${step.name}-1`, size: 1 }]),
    );
    const inputs = inputsOf(step, records, outside) as Record<string, string>;
    records[step.name] = { inputs, outputs, finishedAt: '2026-01-01T00:00:00Z', elapsed: 1 };
  }
  return records;
}

describe('the plan of the documentation’s sample', () => {
  it('is its eleven steps, in its order, each with what it reads and makes', async () => {
    const steps = stepsOf(await recipe());
    expect(steps.map(({ number, name }) => `${number} ${name}`)).toEqual([
      '1 base-image',
      '2 repositories',
      '3 packages',
      '4 undercloud-base',
      '5 undercloud-convert',
      '6 dib-prepare',
      '7 dib-workaround',
      '8 dib-build',
      '9 dib-verify',
      '10 undercloud-inject',
      '11 archive',
    ]);
    const reads = Object.fromEntries(
      steps.map(({ name, artefacts, sources }) => [
        name,
        [...artefacts.map((a) => `${a.step}/${a.name}`), ...sources],
      ]),
    );
    expect(reads).toMatchObject({
      'base-image': ['file:///opt/rhel-guest-image-7.2-20160302.0.x86_64.qcow2'],
      repositories: ['base-image/minimal-base.qcow2'],
      packages: ['repositories/minimal-base.qcow2'],
      'undercloud-base': ['packages/overcloud-base.qcow2'],
      'undercloud-convert': ['undercloud-base/undercloud-base.qcow2'],
      'dib-workaround': ['packages/overcloud-base.qcow2'],
      'dib-build': ['dib-workaround/overcloud-base.qcow2', 'repositories/minimal-base.qcow2'],
      'undercloud-inject': [
        'undercloud-convert/undercloud-base.qcow2',
        'dib-build/overcloud-full.*',
        'dib-build/ironic-python-agent.*',
      ],
    });
    expect(steps[10]!.outputs).toContain('overcloud-full.tar.md5');
    expect(planSteps(steps, {}, {}).map(({ action, why }) => `${action}: ${why}`)).toEqual(
      STEP_NAMES.map(() => 'run: not done yet'),
    );
  });

  it('puts variables into scripts, and takes what is not beside the file from our own', async () => {
    const { scripts, images } = await recipe();
    expect(scripts.artib_repo_script.text).toBe('echo liberty\n');
    expect(scripts.artib_package_install_script.text).toContain('openstack-ironic-conductor');
    expect(scripts.artib_swapfile_script.from).toBe('(built in) swapfile-create.sh.j2');
    expect(images.map(({ distro }) => distro)).toEqual(['rhel7', 'rhel7']);
  });

  it('says all faults of all files together', async () => {
    await expect(
      recipe({
        artib_repo_script: 'absent.j2',
        artib_swapfile_script: 'build/../../x',
        artib_image_yaml_template: 'bad.j2',
      }),
    ).rejects.toThrow(
      /3 fault\(s\)[\s\S]*artib_repo_script: absent\.j2 does not exist[\s\S]*artib_swapfile_script[\s\S]*bad\.j2/,
    );
    await write('build/needs.j2', '{{ nokia_url }}');
    await expect(recipe({ artib_repo_script: 'needs.j2' })).rejects.toThrow(
      'refers to nokia_url, which is not set',
    );
    expect(
      (await recipe({ artib_repo_script: 'needs.j2', ferric_variables: '{nokia_url: u}' })).scripts
        .artib_repo_script.text,
    ).toBe('u');
  });
});

describe('planSteps', () => {
  const outside = { 'file:///opt/rhel-guest-image-7.2-20160302.0.x86_64.qcow2': 'base-1' };

  it('skips everything when nothing has changed', async () => {
    const steps = stepsOf(await recipe());
    const planned = planSteps(steps, allDone(steps, outside), outside);
    expect(planned.map(({ action }) => action)).toEqual(STEP_NAMES.map(() => 'skip'));
    expect(planned[0]!.why).toBe('unchanged since 2026-01-01T00:00:00Z');
  });

  it('runs what depends on what has changed, and nothing else', async () => {
    const records = allDone(stepsOf(await recipe()), outside);
    const running = async (set: Record<string, string>, now: Record<string, string | undefined> = outside) =>
      planSteps(stepsOf(await recipe(set)), records, now).flatMap(({ action, number }) =>
        action === 'run' ? [number] : [],
      );
    await write('build/other.sh', 'echo other\n');
    expect(await running({ artib_dib_workaround_script: 'other.sh' })).toEqual([7, 8, 9, 10, 11]);
    expect(await running({ artib_undercloud_disk_size: '50' })).toEqual([5, 10, 11]);
    expect(await running({ artib_swapfile_script: 'other.sh' })).toEqual([10, 11]);
    expect(await running({ artib_virt_sparsify_checktmpdir_flag: 'ignore' })).toEqual([11]);
    expect(await running({ artib_package_install_script: 'other.sh' })).toEqual([3, 4, 5, 7, 8, 9, 10, 11]);
    expect(await running({}, { [Object.keys(outside)[0]!]: 'base-2' })).toEqual([
      1, 2, 3, 4, 5, 7, 8, 9, 10, 11,
    ]);
    // A source that can't be asked now is taken to be as it was.
    expect(await running({}, {})).toEqual([]);
  });

  it('runs one step alone, or from one on, and refuses what lacks its inputs', async () => {
    const steps = stepsOf(await recipe());
    const records = allDone(steps, outside);
    const running = (selection: object, of: StepRecords = records) =>
      planSteps(steps, of, outside, selection).flatMap(({ action, number }) =>
        action === 'run' ? [number] : [],
      );
    expect(running({ step: 'dib-build' })).toEqual([8]);
    expect(running({ from: 'dib-verify' })).toEqual([9, 10, 11]);
    expect(() => running({ step: 'packages' }, {})).toThrow(
      'packages needs minimal-base.qcow2 of repositories, which has not been done; run from repositories on',
    );
    expect(() => running({ step: 'dib-biuld' })).toThrow(
      'there is no step dib-biuld; the nearest is dib-build',
    );
    expect(() => running({ step: 'archive', from: 'archive' })).toThrow('exclude each other');
  });

  it('tells at its turn whether what an earlier step made is another file at all', async () => {
    const steps = stepsOf(await recipe());
    const records = allDone(steps, outside);
    const overcloud = { 'overcloud-base.qcow2': { sha256: 'packages-2', size: 1 } };
    const again = { ...records, packages: { ...records.packages!, outputs: overcloud } };
    expect(changeOf(steps[3]!, records, outside)).toBeUndefined();
    expect(changeOf(steps[3]!, again, outside)).toBe('overcloud-base.qcow2 changed');
  });
});
