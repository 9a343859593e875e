/** Bytes from the wire that are not what their protocol says. `offset` is where reading stopped, in bytes. */
export class MalformedPacket extends Error {
  constructor(
    readonly offset: number,
    readonly reason: string,
  ) {
    super(`malformed packet at byte ${offset}: ${reason}`);
    this.name = 'MalformedPacket';
  }
}
