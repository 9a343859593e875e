import { randomBytes } from 'node:crypto';
import type { RedfishSettings } from '../../../config/section/redfish.js';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { taskOf } from '../../../protocol/redfish/task.js';
import { updateFrame } from '../../../protocol/redfish/update.js';
import type { StepContext } from '../../contract/step.js';
import { RedfishError } from '../faults.js';
import type { RedfishMachine } from '../machine.js';
import type { Answer } from '../transport.js';
import type { FirmwareUpdate } from './arguments.js';
import { type FirmwareFile, type FirmwareFiles, uploadOf } from './image-file.js';
import type { Progress } from './progress.js';
import { managerReset, newTask, pullBody, taskUris, type Way, wayOf } from './service.js';
import { isChanged, readVersions } from './versions.js';
import { enter, type Looks, type Turn, tolerant } from './wait.js';

/** ms for which a request whose answer was lost may show an effect before it counts as not carried out. */
const EVIDENCE = 60_000;
/** Requests of one update at most. */
export const MOST_SENT = 2;

/** The request of an update: sent once, and again only if its answer was lost and it had no effect. */
export class UpdateRequests {
  constructor(
    private readonly parts: {
      settings: RedfishSettings;
      files: FirmwareFiles;
      looks: Looks;
      /** ms; for tests. */
      evidence?: number;
    },
  ) {}

  /** Fetches and judges the image, unless the BMC takes it from its URL; nothing is sent to the BMC. */
  async check(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    { at, unreached = false }: { at: number; unreached?: boolean },
  ): Promise<{ way: Way; file: FirmwareFile | undefined }> {
    const way = await wayOf(machine, update, this.parts.settings.firmware_source, unreached);
    if (way.how === 'pull' && way.url !== null) {
      pullBody(way, way.url);
      return { way, file: undefined };
    }
    const file = await this.parts.files.fetch(context, update, at);
    if (way.mostBytes !== undefined && file.size > way.mostBytes) {
      throw new InvalidError(
        `The image ${file.name} has ${file.size} bytes, and the BMC takes ${way.mostBytes} at most.`,
      );
    }
    return { way, file };
  }

  async send(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    before: Progress,
  ): Promise<Turn> {
    const { way, file } = await this.check(context, machine, update, before);
    const ours = way.how === 'pull' && file !== undefined;
    const url = ours ? await this.parts.files.publish(context, file) : way.how === 'pull' ? way.url : null;
    const progress: Progress = {
      ...before,
      phase: 'send',
      sent: before.sent + 1,
      task: null,
      seen: false,
      missing: 0,
      target: way.target,
      ours,
      tasksBefore: await taskUris(machine),
      managerReset: await managerReset(machine),
    };
    const sending = await enter(context, progress);
    let answer: Answer;
    try {
      answer = await request(machine, way, url, file);
    } catch (error) {
      if (!(error instanceof RedfishError) || !error.unanswered) throw error;
      context.log.warn(
        { error: error.message },
        'the answer to a firmware update was lost: its effect is looked for',
      );
      return this.parts.looks.soon(sending);
    }
    const task = taskOf(answer) ?? (await tolerant(() => found(machine, sending))) ?? null;
    return enter(context, { ...sending, phase: 'task', answered: true, task });
  }

  /** A request without an answer: its effect shows whether it was carried out. */
  async afterLoss(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    progress: Progress,
  ): Promise<Turn> {
    const { files, looks, evidence = EVIDENCE } = this.parts;
    const seen = await tolerant(async () => ({
      task: await found(machine, progress),
      version: (await readVersions(machine, [update]))[update.component],
      restarted: (await managerReset(machine)) !== progress.managerReset,
    }));
    if (!seen) return looks.soon({ ...progress, wasAway: true });
    const { task, version, restarted } = seen;
    const taken = progress.ours && (await files.isFetched(context));
    if (task !== undefined || isChanged(progress, update, version) || taken) {
      return enter(context, { ...progress, phase: 'task', task: task ?? null });
    }
    if (Date.now() - progress.since < evidence) return looks.soon(progress);
    // A file of ours that was not fetched has another name the next time: the lost request cannot be carried out later.
    const isUndone = (progress.tasksBefore !== null || progress.ours) && !progress.wasAway && !restarted;
    if (isUndone && progress.sent < MOST_SENT) return enter(context, { ...progress, phase: 'stage' });
    throw new FerricError(
      'bmc-failed',
      'The answer to the request was lost, and nothing shows whether the BMC carries it out.',
    );
  }
}

function request(
  machine: RedfishMachine,
  way: Way,
  url: string | null,
  file: FirmwareFile | undefined,
): Promise<Answer> {
  if (way.how === 'pull' && url !== null) return machine.post(way.target, pullBody(way, url));
  if (!file) throw new Error('an image is sent that was not fetched');
  const boundary = `ferric-${randomBytes(16).toString('hex')}`;
  return machine.upload(way.target, uploadOf(updateFrame(boundary, file.name, way.targets), file));
}

async function found(
  machine: RedfishMachine,
  { tasksBefore, target }: Progress,
): Promise<string | undefined> {
  return tasksBefore && target !== null ? newTask(machine, tasksBefore, target) : undefined;
}
