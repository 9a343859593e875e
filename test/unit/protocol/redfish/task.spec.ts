import { describe, expect, it } from 'vitest';
import { readTask, taskOf } from '../../../../src/protocol/redfish/task.js';

describe('readTask', () => {
  it.each([
    ['New', 'OK', 'running'],
    ['Running', null, 'running'],
    ['Pending', 'Critical', 'running'],
    ['SomethingOfTomorrow', null, 'running'],
    ['Completed', 'OK', 'completed'],
    ['Completed', null, 'completed'],
    ['Completed', 'Critical', 'failed'],
    ['CompletedWithErrors', 'OK', 'failed'],
    ['Exception', 'Warning', 'failed'],
    ['Killed', null, 'failed'],
    ['Cancelled', null, 'failed'],
    ['Cancelling', null, 'running'],
  ])('state %s with status %s is %s', (TaskState, TaskStatus, end) => {
    expect(readTask({ TaskState, TaskStatus }).end).toBe(end);
  });

  it('reads the jobs of Dell', () => {
    expect(readTask({ JobState: 'CompletedWithErrors', PercentComplete: 100 }).end).toBe('failed');
    expect(readTask({ JobState: 'Failed', Message: 'x' }).end).toBe('failed');
    expect(readTask({ JobState: 'Scheduled' }).end).toBe('running');
  });

  it('tells what a service says of it', () => {
    const task = readTask({
      TaskState: 'Exception',
      PercentComplete: 40,
      Messages: { Message: 'No room.', MessageId: 'X.1.0.Room' },
    });
    expect(task).toMatchObject({ percent: 40, messages: [{ id: 'Room', text: 'No room.' }] });
  });
});

describe('taskOf', () => {
  const MONITOR = '/redfish/v1/TaskService/TaskMonitors/5';
  const TASK = '/redfish/v1/TaskService/Tasks/5';
  it.each([
    ['a 202 with Location', { status: 202, location: MONITOR, body: undefined }, MONITOR],
    [
      'a task in the body (Supermicro)',
      {
        status: 202,
        location: undefined,
        body: { '@odata.type': '#Task.v1_4_3.Task', '@odata.id': TASK, TaskState: 'New' },
      },
      TASK,
    ],
    [
      'a task that names its monitor',
      {
        status: 200,
        location: undefined,
        body: { TaskMonitor: MONITOR, TaskState: 'New', '@odata.id': TASK },
      },
      MONITOR,
    ],
    ['a bare link to a task (iLO5)', { status: 200, location: undefined, body: { '@odata.id': TASK } }, TASK],
    ['no word of one', { status: 204, location: undefined, body: undefined }, undefined],
    [
      'one elsewhere',
      { status: 202, location: 'https://elsewhere.example/task', body: undefined },
      undefined,
    ],
    [
      'a resource that is none',
      { status: 200, location: undefined, body: { '@odata.id': '/redfish/v1/Systems/1' } },
      undefined,
    ],
  ])('finds it with %s', (_, answer, uri) => {
    expect(taskOf(answer)).toBe(uri);
  });
});
