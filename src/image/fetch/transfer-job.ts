// What is asked of a transfer thread, and what it answers. Everything here is copied between threads.
import type { ErrorCode } from '../../domain/errors.js';
import type { HttpClientSettings } from '../../platform/http-client.js';
import type { Digested } from './digester.js';
import type { FilePlaces } from './open-file.js';

export interface DownloadJob {
  kind: 'download';
  url: string;
  /** Written from its start. */
  target: string;
  /** Bytes, as the server announced, if it did; a body of another length is refused. */
  size: number | undefined;
  /** Bytes, where nothing is announced. */
  maxBytes: number;
  algorithms: readonly string[];
  client: HttpClientSettings;
  /** Connections in a row that may fail without bringing the image forward. */
  attempts: number;
  /** Milliseconds between a failure and the next connection; doubles, up to 10 s. */
  pause: number;
  /** Bytes a second over the client's idle timeout, below which a connection is given up. */
  minRate: number;
  /** Milliseconds for everything. */
  timeout: number;
}

export interface CopyJob {
  kind: 'copy';
  source: string;
  /** Where a user's file:// path may lead to; undefined for a path of our own. */
  places?: FilePlaces;
  /** Undefined: only read. */
  target?: string;
  /** Undefined: only copied, by reflink where the file system can. */
  algorithms?: readonly string[];
}

export interface StatJob {
  kind: 'stat';
  source: string;
  places: FilePlaces;
}

export interface FileFacts {
  size: number;
  mtimeMs: number;
  identity: string;
}

export type TransferJob = DownloadJob | CopyJob | StatJob;
export interface TransferResults {
  download: Digested;
  /** `digested` where algorithms were given. */
  copy: FileFacts & { digested?: Digested };
  stat: FileFacts;
}

export interface TransferFault {
  code: ErrorCode;
  message: string;
  /** What the one who asked can do about it: make room; ask the server anew. */
  remedy?: 'room' | 'ask-again';
}

export type ToWorker = { id: number; job: TransferJob } | { id: number; abort: true };
export type FromWorker =
  | { id: number; progress: number; total: number }
  | { id: number; result: TransferResults[TransferJob['kind']] }
  | { id: number; fault: TransferFault };

/** A total of 0 is one that is not known. */
export type Progress = (bytes: number, total: number) => void;
