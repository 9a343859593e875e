// Requests to a transfer thread, and its answers. All of it is copied between threads.
import type { ErrorCode } from '../../domain/errors.js';
import type { HttpClientSettings } from '../../platform/http-client.js';
import type { Digested } from './digester.js';
import type { FilePlaces } from './open-file.js';

export interface DownloadJob {
  kind: 'download';
  url: string;
  /** Truncated first. */
  target: string;
  /** Bytes, if the server announced them; a body of another length is refused. */
  size: number | undefined;
  /** Limit in bytes, where nothing is announced. */
  maxBytes: number;
  algorithms: readonly string[];
  client: HttpClientSettings;
  /** Connections in a row that may fail without progress. */
  attempts: number;
  /** Milliseconds between a failure and the next connection; doubles, up to 10 s. */
  pause: number;
  /** Bytes a second, measured over the client's idle timeout, below which a connection is dropped. */
  minRate: number;
  /** Milliseconds for the whole job. */
  timeout: number;
}

export interface CopyJob {
  kind: 'copy';
  source: string;
  /** Directories that a user's file:// path may lead to; undefined for a path of our own. */
  places?: FilePlaces;
  /** Undefined: only reads. */
  target?: string;
  /** Undefined: only copies, by reflink where the file system can. */
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
  /** `digested` when algorithms were given. */
  copy: FileFacts & { digested?: Digested };
  stat: FileFacts;
}

export interface TransferFault {
  code: ErrorCode;
  message: string;
  /** What the caller can do: make room; ask the server again. */
  remedy?: 'room' | 'ask-again';
}

export type ToWorker = { id: number; job: TransferJob } | { id: number; abort: true };
export type FromWorker =
  | { id: number; progress: number; total: number }
  | { id: number; result: TransferResults[TransferJob['kind']] }
  | { id: number; fault: TransferFault };

/** A total of 0 is unknown. */
export type Progress = (bytes: number, total: number) => void;
