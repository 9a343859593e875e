import type { StageEvent } from '../../image-build/session/build-session.js';
import type { Shell } from '../shell.js';
import { sizeText, timeText } from './format.js';

/**
 * Progress on standard error: a line for each finished stage; on a terminal, also a line for the running stage, redrawn
 * as it progresses.
 */
export function showProgress({ stderr }: Shell): (event: StageEvent) => void {
  const live = stderr.isTTY === true;
  const draw = (text: string) => stderr.write(`\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`);
  const say = (text: string) => stderr.write(`${live ? '\r\x1b[K' : ''}${text}\n`);
  return (event) => {
    if (event.kind === 'cleaning') {
      if (live) draw('clearing up');
      if (live) draw('');
      return;
    }
    const name = event.stage.padEnd(24);
    if (event.kind === 'started') {
      if (live) draw(`${name} …`);
      else say(`${name} started`);
      return;
    }
    const size = 'bytes' in event && event.bytes !== undefined ? sizeText(event.bytes) : '';
    const figures = `${name} ${timeText(event.elapsed).padStart(12)}  ${size.padStart(9)}`;
    switch (event.kind) {
      case 'progress':
        // The output of programs may contain escape sequences.
        if (live) draw(`${figures}  ${event.said.replace(/[^\x20-\x7e]/g, '')}`);
        return;
      case 'finished':
        say(`${figures}${event.note === undefined ? '' : `  ${event.note}`}`.trimEnd());
        return;
      case 'failed':
        say(`${figures}  ${event.cancelled ? 'given up' : 'failed'}`);
    }
  };
}
