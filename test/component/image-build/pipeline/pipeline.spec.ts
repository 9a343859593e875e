import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planPipeline, runPipeline, StepFailedError } from '../../../../image-build/pipeline/pipeline.js';
import { readRecipe } from '../../../../image-build/pipeline/recipe.js';
import { STEP_NAMES } from '../../../../image-build/pipeline/step-name.js';
import { run } from '../../../../image-build/process/run.js';
import { sha256Of } from '../../../../image-build/session/artefact.js';
import { ferric } from '../../../support/cli/command-line.js';
import { DaemonHome } from '../../../support/daemon.js';
import { writeSmallConfig } from '../../../support/pipeline/small-config.js';
import { makeSmallBase } from '../../../support/pipeline/small-image.js';
import { startSshServer } from '../../../support/pipeline/ssh-server.js';

let workspace: string;
let file: string;
const skipped: string[] = [];
const ran: string[] = [];
const out = (...names: string[]) => join(workspace, 'out', ...names);
const text = (name: string) => readFileSync(out(name), 'utf8');
const recipe = (set: Record<string, string> = {}) => readRecipe(file, { workspace, set });
const script = (name: string, body: string) =>
  writeFile(join(workspace, 'scripts', name), `#!/bin/sh\nset -eu\n${body}\n`, { mode: 0o755 });

/** Runs the pipeline. @returns the places of what was published */
async function runIt(set: Record<string, string> = {}, options: object = {}): Promise<string[]> {
  skipped.length = ran.length = 0;
  return runPipeline(await recipe(set), {
    backend: 'loop',
    signal: new AbortController().signal,
    onEvent: (event) => event.kind === 'finished' && ran.push(event.stage),
    onSkip: ({ name }) => skipped.push(name),
    ...options,
  });
}

/** Nothing of a run may stay but its working directory. */
async function expectNothingLeft(): Promise<void> {
  expect(readdirSync(out('.ferric', 'scratch'))).toEqual([]);
  expect(await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])).not.toContain(workspace);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(workspace);
  expect(existsSync(out('.ferric', 'lock.json'))).toBe(false);
}

beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'ferric-pipeline-'));
  file = await writeSmallConfig(workspace);
  await makeSmallBase(workspace);
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

// One working directory, from test to test: a pipeline's life.
describe('a pipeline on a small image, by loop devices and disk-image-builder', () => {
  it('refuses what it cannot do before it makes a directory', async () => {
    const missing = { artib_minimal_base_image_url: `file://${workspace}/absent.qcow2` };
    await expect(runIt(missing)).rejects.toThrow(`file://${workspace}/absent.qcow2: ENOENT`);
    await script('asks.sh', '# http://commented.invalid/\ncurl http://repository.invalid:8080/x');
    await expect(runIt({ artib_repo_script: 'asks.sh' })).rejects.toThrow(
      /names repositories that cannot be reached: http:\/\/repository\.invalid:8080: /,
    );
    await expect(runIt({}, { step: 'packages' })).rejects.toThrow('needs minimal-base.qcow2 of repositories');
    const key = {
      publish: 'true',
      artib_publish_dest_host: 'h',
      artib_publish_dest_basepath: '/x',
      artib_publish_dest_key: '/absent',
    };
    await expect(runIt(key)).rejects.toThrow("/absent can't be read");
    expect(existsSync(out())).toBe(false);
    const nowhere = { artib_dib_elements_path: `["${workspace}/elements", "${workspace}/nowhere"]` };
    expect((await planPipeline(await recipe(nowhere))).absent).toEqual([`${workspace}/nowhere`]);
    expect((await planPipeline(await recipe())).absent).toEqual([]);
    expect((await planPipeline(await recipe(missing))).unreachable).toHaveProperty([
      `file://${workspace}/absent.qcow2`,
    ]);
  });

  it('says which step failed, of what, and where its log is; and leaves nothing behind', async () => {
    await script('fails.sh', 'echo going to fail; exit 3');
    const failure = await runIt({ artib_swapfile_script: 'fails.sh' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StepFailedError);
    const { message, log, code } = failure as StepFailedError;
    expect(message).toMatch(/^step 10, undercloud-inject, failed: .*exit status 3/);
    expect(code).toBe('command-failed');
    expect(log).toBe(out('10-undercloud-inject.log'));
    expect(text('10-undercloud-inject.log')).toContain('going to fail');
    expect(ran.slice(0, 9)).toEqual(STEP_NAMES.slice(0, 9).map((name, index) => `${index + 1} ${name}`));
    expect(existsSync(out('artib-logs.tar.gz'))).toBe(true);
    expect(existsSync(out('undercloud.qcow2'))).toBe(false);
    await expectNothingLeft();
  }, 180_000);

  it('finds the scripts of the role’s own layout, beside the directory of the build file', async () => {
    const build = join(workspace, 'role', 'build');
    await mkdir(build, { recursive: true });
    await mkdir(join(workspace, 'role', 'scripts'));
    await writeFile(join(workspace, 'role', 'scripts', 'mine.sh'), 'echo mine\n');
    await writeFile(join(build, 'mine.yml'), 'artib_swapfile_script: mine.sh\nartib_release: mitaka\n');
    const { scripts } = await readRecipe(join(build, 'mine.yml'), { workspace, set: {} });
    expect(scripts.artib_swapfile_script).toMatchObject({ text: 'echo mine\n' });
  });

  it('goes on from there, and publishes with sums', async () => {
    const place = join(workspace, 'published');
    const publish = {
      publish: 'true',
      artib_publish_dest_basepath: place,
      artib_publish_create_dest_via_ssh: 'true',
    };
    const places = await runIt(publish);
    expect(skipped).toEqual(STEP_NAMES.slice(0, 9));
    expect(ran).toEqual(['10 undercloud-inject', '11 archive', 'logs', 'publish']);
    expect(places).toEqual(
      ['undercloud.qcow2', 'undercloud.qcow2.md5', 'overcloud-full.tar', 'artib-logs.tar.gz'].map((name) =>
        join(place, name),
      ),
    );
    await run('md5sum', ['--check', 'undercloud.qcow2.md5'], { cwd: place });
    await run('sha256sum', ['--check', out('overcloud-full.tar.sha256')], { cwd: place });
    await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: out() });
    expect(await runIt(publish)).toEqual([]);
    expect(skipped).toEqual([...STEP_NAMES]);
    expect((await planPipeline(await recipe(publish))).published).toBe(true);
    await expectNothingLeft();
  }, 120_000);

  it('has done in the images what the scripts say, and only there', async () => {
    const content = text('content-undercloud.csv').split('\n');
    expect(content).toContainEqual(expect.stringMatching(/^-,0600,4194304,\/swapfile$/));
    expect(content).toContainEqual(
      expect.stringMatching(/^-,0644,\d{6,},\/home\/stack\/overcloud-full\.qcow2$/),
    );
    expect(content).toContainEqual(expect.stringMatching(/^-,0644,11,\/etc\/packages$/));
    expect(content.join('\n')).not.toContain('.ferric');
    // The workaround came after the undercloud had been taken from the overcloud base.
    expect(content.join('\n')).not.toContain('/etc/workaround');
    expect(text('content-overcloud.csv') + text('content-undercloud.csv')).toContain('/etc/repositories');
    expect(text('content-overcloud.csv')).toContain('/etc/workaround');
    const info = JSON.parse(
      await run('qemu-img', ['info', '--output=json', out('undercloud.qcow2')]),
    ) as Record<string, unknown>;
    expect(info['virtual-size']).toBe(2 ** 30);
    expect(existsSync(out('prepared'))).toBe(true);
  });

  it('runs what hangs on a change, one step alone, and all from one on', async () => {
    await script('convert.sh', 'mkdir -p /home/stack; echo other > /etc/hostname');
    await runIt();
    expect(ran).toEqual(['5 undercloud-convert', '10 undercloud-inject', '11 archive', 'logs']);
    await runIt({}, { step: 'dib-verify' });
    expect(ran).toEqual(['9 dib-verify', 'logs']);
    await runIt({}, { from: 'undercloud-inject' });
    expect(ran).toEqual(['10 undercloud-inject', '11 archive', 'logs']);
    // A file that somebody changed or took away is made again.
    await rm(out('.ferric', '04-undercloud-base', 'undercloud-base.qcow2'));
    const plan = await planPipeline(await recipe());
    expect(
      plan.steps.filter(({ action }) => action === 'run').map(({ number, why }) => `${number} ${why}`),
    ).toEqual([
      '4 not done yet',
      '5 after undercloud-base',
      '10 after undercloud-convert',
      '11 after undercloud-inject',
    ]);
    await runIt();
    expect(ran).toEqual(['4 undercloud-base', 'logs']);
    expect(skipped).toContain('undercloud-convert');
  }, 120_000);

  it('is given up in order: no mount, no loop device, no half file, and the next run goes on', async () => {
    await script('workaround.sh', 'touch /begun; sleep 100');
    const abort = new AbortController();
    const given = runIt({}, { signal: abort.signal }).catch((error: unknown) => error);
    while (!existsSync(out('07-dib-workaround.log')) || !text('07-dib-workaround.log').includes('unshare'))
      await sleep(50);
    await sleep(700);
    await expect(runIt()).rejects.toThrow('works in this directory already');
    abort.abort();
    expect(await given).toMatchObject({ code: 'cancelled' });
    await expectNothingLeft();
    expect((await planPipeline(await recipe())).steps[6]!.why).toBe('artib_dib_workaround_script changed');
  }, 60_000);

  it('publishes over SSH, to a host that it has met before only while that is the same host', async () => {
    await script('workaround.sh', 'echo fixed > /etc/workaround');
    const server = await startSshServer(join(workspace, 'sshd'));
    const place = join(workspace, 'far away');
    const publish = {
      publish: 'true',
      artib_publish_dest_host: '127.0.0.1',
      artib_publish_dest_user: 'root',
      artib_publish_dest_basepath: place,
      artib_publish_dest_key: server.key,
      artib_publish_create_dest_via_ssh: 'true',
      ferric_publish_port: String(server.port),
      artib_dib_workarounds: 'true',
    };
    await writeFile(join(workspace, 'scripts/workaround.sh'), 'echo fixed > /etc/workaround\n');
    try {
      const places = await runIt(publish);
      expect(skipped).toEqual([...STEP_NAMES]);
      expect(places[0]).toBe(`root@127.0.0.1:${place}/undercloud.qcow2`);
      await run('md5sum', ['--check', 'undercloud.qcow2.md5'], { cwd: place });
      expect(readdirSync(place).filter((name) => name.includes('.part'))).toEqual([]);
    } finally {
      await server.stop();
    }
    const other = await startSshServer(join(workspace, 'sshd-other'), server.port);
    try {
      const elsewhere = {
        ...publish,
        artib_publish_dest_key: other.key,
        artib_publish_dest_basepath: `${place}/2`,
      };
      await expect(runIt(elsewhere)).rejects.toThrow(/Host key verification failed/);
    } finally {
      await other.stop();
    }
  }, 60_000);

  it('publishes into the Image service of the daemon, each image once', async () => {
    const home = new DaemonHome();
    try {
      const { url } = await home.start();
      const publish = (...more: string[]) =>
        ferric([
          ...['image', 'pipeline', 'run', file, '--backend', 'loop', '--set', 'publish=true'],
          ...['--set', `jenkins_workspace=${workspace}`, '--set', `ferric_image_endpoint=${url}`, ...more],
        ]);
      const { status, stdout, stderr } = await publish();
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const places = [...stdout.matchAll(/^image (\S+) (\S+)$/gm)].map(([, id, name]) => ({ id, name }));
      expect(places.map(({ name }) => name)).toEqual(['overcloud-full', 'undercloud']);
      for (const { id, name } of places) {
        const [record, bytes] = await Promise.all(
          ['', '/file'].map((path) => fetch(`${url}/v2/images/${id}${path}`)),
        );
        expect(await record!.json()).toMatchObject({ status: 'active', visibility: 'shared', name });
        const stored = createHash('sha256').update(new Uint8Array(await bytes!.arrayBuffer()));
        expect(stored.digest('hex')).toBe(await sha256Of(out(`${name}.qcow2`)));
      }
      expect((await publish()).stdout).toBe(`${out()}\n`);
    } finally {
      await home.remove();
    }
  }, 60_000);

  it('starts over only where a pipeline worked', async () => {
    await mkdir(join(workspace, 'mine'));
    await writeFile(join(workspace, 'mine/letter'), 'dear');
    await expect(
      runIt({ artib_working_dir: join(workspace, 'mine'), artib_start_over: 'true' }),
    ).rejects.toThrow('holds files that no pipeline made (letter)');
    expect(readdirSync(join(workspace, 'mine'))).toEqual(['letter']);
    const again = await planPipeline(await recipe({ artib_start_over: 'true' }));
    expect(again.steps.map(({ action }) => action)).toEqual(STEP_NAMES.map(() => 'run'));
  });

  it('names a directory of elements that is not there, before disk-image-builder does', async () => {
    const nowhere = { artib_dib_elements_path: `["${workspace}/elements", "${workspace}/nowhere"]` };
    await expect(runIt(nowhere, { from: 'dib-build' })).rejects.toThrow(
      `ELEMENTS_PATH names directories that are not there: ${workspace}/nowhere`,
    );
    // The script of dib-prepare may bring it, and does not.
    await expect(runIt(nowhere, { from: 'dib-prepare' })).rejects.toThrow(
      /^step 8, dib-build, failed: ELEMENTS_PATH names .*nor has the script of step 6 brought them/,
    );
  }, 180_000);
});
