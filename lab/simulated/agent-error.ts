/** An error as the agent's API shows it (ironic_python_agent/errors.py): type, code, message, details. */
export class AgentError extends Error {
  constructor(
    readonly type: string,
    /** An HTTP status. */
    readonly code: number,
    /** Fixed message of the error's class. */
    readonly text: string,
    readonly details: string,
  ) {
    super(`${text}: ${details}`);
    this.name = 'AgentError';
  }

  toWire(): { type: string; code: number; message: string; details: string } {
    return { type: this.type, code: this.code, message: this.text, details: this.details };
  }
}

export function toAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const details = error instanceof Error ? error.message : String(error);
  return new AgentError('CommandExecutionError', 500, 'Command execution failed', details);
}
