/** Received bytes that violate their protocol. `offset` is where parsing stopped, in bytes. */
export class MalformedPacket extends Error {
  constructor(
    readonly offset: number,
    readonly reason: string,
  ) {
    super(`malformed packet at byte ${offset}: ${reason}`);
    this.name = 'MalformedPacket';
  }
}
